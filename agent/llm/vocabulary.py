"""Ordinary words of a reception desk: what a sentence may consist of before anything is known of the caller.

No digits, days, months, times or names are among them; the caller may say such words, and then they may be repeated.
"""

from __future__ import annotations

from agent.wording import LINES
from fhirserver.world.spoken.words import words

_WORDS = """
a able about above absolutely act actually address advice after afterwards again agent ahead all already also
alright although always am an and another answer answers any anybody anyone anything apologies apologize
appointment appointments are area around arrange as ask asked asking assist assistance assistant at automated
available away back be because been before begin behalf being below best better between billing birth book
booking both bring but by call called caller calling calls can can't cancel cannot card care caring certain
certainly change changes changing chart check checking clear clearly clinic code come comes coming company
complete confirm connect connecting contact continue correct could couldn't course date day days deal decide
details did didn't different directly do doctor doctors does doesn't doing don't done down during each earlier
early either else end english enough every everybody everyone everything exactly explain feel few fill find
fine first follow for form free friend from front full further gave get getting give given giving glad go goes
going good got great had handle happen happened happens happy has have haven't having he hear hearing hello
help helpful helping her here hers hi him his hold home hope hour hours how however i i'd i'll i'm i've id
idea identify identity if important in include information instead insurance into is isn't issue it it'll it's
its itself just keep kind know last late later learn least leave left let let's like line listen listening
little long look looking lot made make making many matter matters may maybe me mean means member mention
message might mind minute missed moment more most move moving much must my myself name named names near need
needed needs neither never new next no nobody none nor not note nothing now number numbers of off offer office
often oh ok okay on once one only open or other others otherwise our out over own part patient patients people
perfect perhaps permission person phone place plan please pleased pleasure possible practice prefer privacy
private problem proceed protect provide provided put question questions quick quickly quite rather read ready
really reason reasons receive reception recheck record records regarding register related repeat
representative request reschedule rescheduling respond rest return right safe safety said same say saying
schedule scheduling secure security see seem send sense set several shall share she short should show side
simple simply since situation so some somebody someone something soon sorry sort speak speaking spell staff
start started state stay step steps still stop street such suit suits sure take takes taking talk talking tell
telling than thank thanks that that's the their them then there there's these they they're thing things think
this those though through time times to today together told too touch transfer transferring try trying turn
under understand understandable understood unfortunately until up update updating us use used using usual
usually various verify verifying very visit visits wait waiting want wanted wants was wasn't way we we'd we'll
we're we've welcome well were what what's whatever when where whether which while who whole whom whose why
will wish with within without wonder won't word words work working works worries would wouldn't wrong year yes
yet you you'd you'll you're you've your yours yourself zip repeatedly apology appreciate frustrating
frustration frustrated understandably weather chat robot virtual human medical question's person's nice day's
evening morning afternoon weekend
"""
_SPOKEN_LINES = (
    "greeting", "ask_identity", "ask_identity_third", "ask_name", "ask_birth", "how_help", "menu", "beyond",
    "offer_person", "sorry_trouble", "not_understood",
)  # fmt: skip

DESK_WORDS = frozenset(_WORDS.split()) | {
    w for key in _SPOKEN_LINES for line in LINES[key] for w in words(line.replace("{practice}", ""))
}
"""Folded words, none of which tells anything of a record."""

_OPENING = """
    excellent wonderful lovely awesome super gladly instead mornings afternoons currently sounds noted alternatively
    besides additionally yep yeah hmm ah apart choosing pick picking those given based among nearest earliest latest
    finally lastly
"""
OPENERS = frozenset(_OPENING.split())
"""Words that a sentence may begin with once the caller is identified, beside those."""

_DATED = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september october november december am pm noon mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep oct"
    " nov dec"
)
CALENDAR = frozenset(_DATED.split())
"""What is written with a capital and checked as a day or a time, not as a name."""
