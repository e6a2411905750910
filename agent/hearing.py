"""What an utterance asks for, by rules over its normalised text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fhirserver.world.spoken.answers import Answer, answer, is_never_mind
from fhirserver.world.spoken.typed import as_said
from fhirserver.world.spoken.words import plain

_WISHES: dict[str, str] = {
    "cancel": r"\bcancel\w*\b(?! (?:my|the) (?:insurance|plan|coverage))|\bcall off\b"
    r"|\b(?:don't|do not|no longer) need (?:my|the|that|this) (?:appointment|visit)",
    "reschedule": r"\bre ?schedul\w*|\b(?:move|change|push|shift|switch|postpone|bring forward)\b"
    r"(?:(?!address|phone|number|insurance|mind)[\w' ]){0,30}\b(?:appointment|visit|time|date|checkup|"
    r"check up)\b"
    r"|\bpostpone\b|\b(?:can't|cannot|can not|won't be able to|unable to) (?:make|come|attend|keep)\b"
    r"|\b(?:different|another|new) (?:time|date) for (?:my|the)\b"
    r"|\b(?:my|the) (?:appointment|visit) (?:to|on|for) (?:another|a different|some other) (?:day|date|time|week)\b"
    r"|\bmove (?:it|that|this)\b|\b(?:thursday|monday|tuesday|wednesday|friday|"
    r"my) (?:appointment )?doesn't work",
    "book": r"\b(?:book|schedule|scheduled|make|set up|set|fix|arrange|reserve)"
    r" (?:(?!cancel|move|change|about|confirm|sure|off|back)[\w'.]+ ){0,4}"
    r"(?:appointment|visit|reservation|checkup|check up|physical|exam|slot)\b"
    r"|\b(?:get|have|need|want|like) (?:(?!to\b|my|cancel|move|change|about|confirm|the|that|this|if)[\w'.]+ ){0,4}"
    r"(?:appointment|visit|checkup|check up|physical|exam|slot)\b"
    r"|\b(?:need|want|like) to (?:see|come in|be seen|visit)\b|\bsee (?:the|a|my) (?:doctor|nurse|dentist)\b"
    r"|\b(?:go|come|get in|went) to (?:see )?(?:the|a|my) (?:doctor|dentist|clinic)\b|\bnew appointment\b"
    r"|\bvisit(?:ed)? (?:the|a|my|that) (?:doctor|dentist|clinic|one)\b"
    r"|\bbook (?:me|us|him|her) (?:in|for)\b|\bfollow up (?:appointment|visit)\b|\b(?:book|schedule"
    r"|make) (?:something|it|one|another|a new one)\b"
    r"|\b(?:is there|have you got|do you have) (?:\w+ ){0,2}(?:available|slots?|openings?)\b",
    "confirm": r"\b(?:confirm|check|verify|double check) (?:on )?(?:my|the|that|an|about my|"
    r"our) (?:\w+ ){0,2}"
    r"(?:appointment|visit)|\bwhen(?:'s| is| am) (?:my|i|his|her|the|our|it)\b"
    r"|\b(?:calling|asking|question|know|check\w*) (?:\w+ )?about (?:[\w']+ ){1,3}(?:appointment|visit)"
    r"|\bdo i have (?:an|any|another) (?:\w+ )?(?:appointment|visit)"
    r"|\b(?:when|what time) (?:my|our) (?:\w+ )?(?:appointment|visit)"
    r"|\b(?:what|which) (?:time|day)(?:'s| is) (?:my|the) (?:\w+ )?(?:appointment|visit)"
    r"|\bappointment (?:is )?still (?:on|good)|\bi'll be there\b",
    "insurance": r"\binsurance\b(?! (?:reminder|question about my bill))|\b(?:my|new) (?:coverage|plan|"
    r"member id|policy)\b"
    r"|\bmember (?:id|number)\b|\bmedicare\b|\bmedicaid\b",
    "phone": r"\b(?:new|change[sd]?|update|different|got a|correct|wrong|switch\w*) (?:\w+ ){0,4}?"
    r"(?:phone|cell|cellphone|mobile|telephone|contact number|number)\b"
    r"|\b(?:phone|cell|mobile|telephone)(?: number)? (?:has |is |was )?(?:changed|new|different|wrong)",
    "address": r"\b(?:new|change[sd]?|update|different|correct|my|wrong) (?:\w+ ){0,3}?address\b|\b(?:i|"
    r"we)(?:'ve| have)? "
    r"(?:just )?moved\b(?! my)|\baddress (?:has |is )?(?:changed|new|different|wrong)",
}  # fmt: skip
_NOT_PHONE = r"\b(?:member|group|id|insurance|policy|wrong) number\b|\bnumber on my card\b"
_PERSON = re.compile(
    r"\b(?:(?:speak|talk|connect me|get me|put me through|transfer me|transferred) (?:to|with|"
    r"through to)?|want|need|get|"
    r"like|give me) (?:(?!see|visit|seen|to the office)\w+ ){0,3}?(?:person|human|"
    r"human being|representative|operator|receptionist|real person|"
    r"somebody|someone|staff|agent|nurse|front desk|"
    r"doctor|dr|provider|billing|pharmacist|office|manager|supervisor)\b|"
    r"^(?:a )?(?:representative|"
    r"operator|human|agent|"
    r"real person|person|receptionist)(?: please)?$|\bare you (?:a )?(?:robot|machine|bot|"
    r"real)\b.*\b(?:person|human)\b"
    r"|\bspeak to (?:a )?(?:person|human|someone|somebody)"
)
_WRONG_NUMBER = re.compile(
    r"\bwrong number\b(?! on)|\bwho is this\b.*\bwrong\b|\bis this (?:the )?(?:pizza|domino|bank|taxi|"
    r"restaurant|garage)"
    r"|\bdialed (?:the )?wrong\b|\bmisdialed\b|\bdidn't mean to call\b|\bcalled (?:you )?by (?:mistake|"
    r"accident)\b"
)
_EMERGENCY = re.compile(
    r"\b(?:chest pains?|pain in my chest|my chest hurts|chest (?:is )?(?:tight|tightness|pressure)|"
    r"pressure in my chest|(?:can't|cannot|can not|trouble|difficulty|hard to|struggling to) breath(?:e|"
    r"ing)?|"
    r"not breathing|stopped breathing|heart attack|having a stroke|face is drooping|slurred speech|"
    r"unconscious|"
    r"passed out|won't wake up|unresponsive|"
    r"bleeding (?:a lot|heavily|badly|out|won't stop)|won't stop bleeding|can't stop the bleeding|overdos\w+|"
    r"seizure|seizing|choking|anaphyla\w+|throat is (?:closing|swelling)|severe allergic|poisoned|"
    r"been shot|been stabbed|call 9 ?1 ?1|call nine one one|(?:this is|it's|having|"
    r"have) (?:\w+ )?an? (?:\w+ )?emergency|"
    r"medical emergency|dying)\b"
)
_SELF_HARM = re.compile(
    r"\b(?:kill(?:ing)? myself|suicid\w+|end (?:my life|it all)|want to die|hurt(?:ing)? myself|"
    r"harm(?:ing)? myself|"
    r"don't want to (?:live|be here anymore)|take my own life)\b"
)
_NOT_EMERGENCY = re.compile(
    r"\b(?:not|isn't|no|wasn't|nothing like) (?:an? |having |really )?(?:\w+ )?(?:emergency|"
    r"chest pains?|heart attack)\b"
)
_FRUSTRATED = re.compile(
    r"\b(?:ridiculous|frustrat\w+|annoy\w+|angry|upset|unacceptable|waste of (?:my )?time|fed up|"
    r"sick of|tired of|"
    r"this is (?:so |really )?(?:stupid|terrible|awful|crazy|absurd|insane|nonsense|taking forever)|useless|"
    r"how many times|already (?:told|said|gave)|"
    r"for the (?:third|second|fourth|hundredth|last) time|again and again|you(?:'re| are) not listening|"
    r"come on|"
    r"what the (?:hell|heck)|damn|hell|crap|for god's sake|goodness sake|been (?:waiting|on hold)|"
    r"every time i call|"
    r"can't believe|so hard|worst)\b"
)
_ABUSE = re.compile(r"\b(?:fuck\w*|shit\w*|bitch\w*|asshole\w*|idiot|moron|stupid (?:bot|machine|robot))\b")
_VOICEMAIL = re.compile(
    r"\b(?:(?:after|at) the (?:tone|beep)|leave (?:me |us )?(?:a|your) (?:message|name and number)|mailbox|"
    r"you(?:'ve| have) reached the (?:voice ?mail|\w+ residence|\w+ family)|voice ?mail|"
    r"(?:can't|cannot|unable to) (?:come to|answer|take) (?:the phone|your call)|"
    r"(?:person|party|number) you (?:are calling|have (?:dialed|called)|called) (?:is|can))\b"
)
_AGES = [
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
]
_MINOR = re.compile(
    rf"\b(?:i'm|i am)(?: only| just)? (?:(?:{'|'.join(_AGES)}|[89]|1[0-7])(?: years? old)?(?=$| and| but| so)|"
    rf"(?:{'|'.join(_AGES)}|[89]|1[0-7]) years? old|a (?:kid|child|minor))"
)
_ADVICE = re.compile(
    r"\b(?:symptoms?|should i (?:take|stop|eat|be worried)|is it (?:safe|normal|serious)|diagnos\w+|dosage|dose|"
    r"what does (?:this|it|my) \w+ mean|(?:rash|pain|fever|cough|lump) (?:mean|serious|normal))\b"
)
_GOODBYE = re.compile(
    r"\b(?:good ?bye|bye|bye bye|that's all(?! right)|that is all(?! right)|"
    r"that'll be all|that will be all|nothing else|"
    r"that's everything|"
    r"that's it|i'm (?:all set|done|good)|all set|have a (?:good|nice|great) (?:day|one|evening|afternoon)|"
    r"see you|talk to you later)\b"
)
_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|there|yes|yeah|um|uh|how are you|doing|today) ?)+$"
)
_REPEAT = re.compile(
    r"\b(?:repeat|say (?:that|it) again|come again|pardon|didn't (?:catch|hear|get)|what was that|"
    r"what did you say|excuse me|one more time|say again)\b|^(?:what|sorry|huh|pardon|hello)$"
)
_KIN = (
    r"my (?:mother|father|mom|mum|dad|son|daughter|husband|wife|child|kid|partner|brother|sister|grandmother|"
    r"grandfather|grandma|grandpa|aunt|uncle|friend|neighbor|boyfriend|girlfriend|spouse|client|patient|parents?|"
    r"little (?:boy|girl)|baby)"
)
_THIRD_PARTY = re.compile(
    rf"\b(?:(?:for|about|behalf of|represent) (?P<a>{_KIN})|"
    rf"(?P<b>{_KIN})'s (?:\w+ ){{0,2}}(?:appointment|visit|insurance|address|phone|number|checkup|record)|"
    rf"(?P<c>{_KIN}) (?:needs|has an|has a|wants|would like|is due|can't make))\b"
)
_ON_BEHALF = re.compile(
    r"\b(?:on behalf of|i'm (?:his|her|their) (?:mother|father|mom|dad|wife|husband|son|daughter|"
    r"caregiver|carer|"
    r"guardian|parent|partner|sister|brother|assistant|social worker|case manager)|"
    r"i'm calling for (?!my (?:appointment|"
    r"insurance|visit|results))(?!an? )(?!the )(?!help))\b"
)
_MYSELF = re.compile(r"\b(?:for myself|i'm the patient|i am the patient|it's for me|this is for me|for me)\b")
_NEW_PATIENT = re.compile(
    r"\b(?:new patient|never been (?:there|to|a patient)|first time (?:calling|patient|visit)|register)\b"
)
_BEYOND = re.compile(
    r"\b(?:prescription|refill|medication|medicine|dosage|dose|lab results?|test results?|results|bill|"
    r"billing|"
    r"invoice|charge|diagnos\w+|symptoms?|should i (?:take|stop|eat|be worried)|is it (?:safe|normal|"
    r"serious)|"
    r"medical records?|referral|x ray|mri|parking)\b"
)
_OPT_OUT = re.compile(
    r"\b(?:stop|quit) (?:calling|texting|messaging|contacting|phoning)\b|"
    r"\b(?:don't|do not|never) (?:ever )?(?:call|text|message|contact|phone) (?:me |us |here |this number )?"
    r"(?:again|any ?more|ever)\b|"
    r"\b(?:take|get) (?:me|us|my (?:name|number)|this number) off (?:\w+ ){0,3}list\b|"
    r"\bremove (?:me|us|my (?:name|number)|this number)(?: from)?\b|\bunsubscribe\b|"
    r"\bno more (?:calls|texts|messages)\b"
)
_TEXTS = re.compile(r"\b(?:text\w*|messag\w*)\b")
_RETURNING = re.compile(
    r"\b(?:return(?:ing)? (?:your|a|the) call|(?:got|had|have|saw|received|missed) (?:a|your|this) (?:\w+ )?"
    r"(?:call|text|message|voicemail)|you (?:just )?(?:called|texted|tried to (?:call|reach)|were calling|left)|"
    r"call(?:ing)? you back|somebody (?:just )?called|someone (?:just )?called|missed call)\b"
)
SURE = 0.5
"""Confidence below which words of danger, and a yes that is written down, are asked back."""
_COMPILED = {name: re.compile(pattern) for name, pattern in _WISHES.items()}
_NOT_PHONE_RE = re.compile(_NOT_PHONE)


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance with its number in the transcript and what the rules make of it.

    ``confidence`` is the recogniser's, 0 to 1; ``picture`` the reference of what it was read from, if it was.
    """

    turn: int
    text: str
    plain: str = field(repr=False)
    answer: Answer | None
    wishes: tuple[str, ...]
    confidence: float = 1.0
    picture: str = ""

    def _has(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self.plain) is not None

    @property
    def yes(self) -> bool:
        return self.answer is Answer.YES

    @property
    def no(self) -> bool:
        return self.answer is Answer.NO

    @property
    def sure(self) -> bool:
        """Heard well enough to act upon what cannot be taken back."""
        return self.confidence >= SURE

    @property
    def danger(self) -> str:
        """``self_harm``, ``emergency``, or empty."""
        return "self_harm" if self.self_harm else "emergency" if self.emergency else ""

    @property
    def emergency(self) -> bool:
        return self._has(_EMERGENCY) and not self._has(_NOT_EMERGENCY)

    @property
    def self_harm(self) -> bool:
        return self._has(_SELF_HARM)

    @property
    def person(self) -> bool:
        return self._has(_PERSON)

    @property
    def wrong_number(self) -> bool:
        return self._has(_WRONG_NUMBER)

    @property
    def opt_out(self) -> tuple[str, ...]:
        """The channels of which no more is wanted (``call``, ``sms``); nothing where nothing is said of that."""
        if not self._has(_OPT_OUT):
            return ()
        whole = re.search(r"\b(?:list|contact\w*|remove|unsubscribe)\b", self.plain)
        return ("call", "sms") if whole else ("sms",) if self._has(_TEXTS) else ("call",)

    @property
    def returning(self) -> bool:
        """Somebody answers a call or a message of ours."""
        return self._has(_RETURNING)

    @property
    def frustrated(self) -> bool:
        return self._has(_FRUSTRATED) or self._has(_ABUSE)

    @property
    def abusive(self) -> bool:
        return self._has(_ABUSE)

    @property
    def voicemail(self) -> bool:
        """The words of a machine that answers calls."""
        return self._has(_VOICEMAIL)

    @property
    def minor(self) -> bool:
        """The caller says that it is a child."""
        return self._has(_MINOR)

    @property
    def advice(self) -> bool:
        """Medical advice is asked for."""
        return self._has(_ADVICE)

    @property
    def goodbye(self) -> bool:
        return self._has(_GOODBYE)

    @property
    def repeat(self) -> bool:
        return self._has(_REPEAT) and len(self.plain.split()) <= 8

    @property
    def greeting(self) -> bool:
        return self._has(_GREETING)

    @property
    def new_patient(self) -> bool:
        return self._has(_NEW_PATIENT)

    @property
    def beyond(self) -> bool:
        return self._has(_BEYOND) or self.advice

    @property
    def never_mind(self) -> bool:
        return is_never_mind(self.text)

    @property
    def third_party(self) -> str:
        """Whom the caller speaks for (``my mother``), or empty."""
        match = _THIRD_PARTY.search(self.plain)
        if match and not _MYSELF.search(self.plain):
            return match["a"] or match["b"] or match["c"]
        return "somebody else" if self._has(_ON_BEHALF) else ""

    @property
    def for_self(self) -> bool:
        return self._has(_MYSELF)


def _wishes(said: str) -> tuple[str, ...]:
    hits = {name: m.start() for name, pattern in _COMPILED.items() if (m := pattern.search(said))}
    if "phone" in hits and _NOT_PHONE_RE.search(said) and not re.search(r"\b(?:phone|cell|mobile)\b", said):
        del hits["phone"]
    if "reschedule" in hits:
        hits.pop("confirm", None)
        if not re.search(r"\b(?:another|second|also|new) (?:appointment|visit)\b", said):
            hits.pop("book", None)
    if (
        "cancel" in hits
        and "reschedule" in hits
        and re.search(r"\b(?:don't|not|rather than|instead of) cancel", said)
    ):
        del hits["cancel"]
    elif (
        "cancel" in hits
        and re.search(r"\b(?:can't|cannot|unable|won't) \w+\b", said)
        and "reschedul" not in said
    ):
        hits.pop("reschedule", None)
    return tuple(sorted(hits, key=lambda name: hits[name]))


def hear(turn: int, text: str, confidence: float = 1.0) -> Heard:
    """Read one utterance."""
    said = plain(as_said(text))
    return Heard(turn, text, said, answer(text), _wishes(said), confidence)


def see(turn: int, text: str, picture: str, confidence: float = 1.0) -> Heard:
    """Read what was shown in place of words: it can only be about insurance, whatever else stands there."""
    return Heard(turn, text, "", None, ("insurance",), confidence, picture)
