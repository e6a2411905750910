"""How callers say things: several phrasings of everything, chosen by a seed; the shortest first."""

from __future__ import annotations

WISHES: dict[str, tuple[str, ...]] = {
    "reschedule": (
        "I need to reschedule my appointment",
        "Hi, I have an appointment coming up and I need to move it to another day",
        "I can't make my appointment, could we find a different time?",
        "I'd like to change the time of my appointment please",
        "Something came up, can I push my appointment to another date?",
    ),
    "book": (
        "I'd like to book an appointment",
        "I need to see the doctor, can you get me in?",
        "Can I make an appointment please?",
        "Hello, I was hoping to schedule a visit",
        "I need an appointment",
    ),
    "cancel": (
        "I need to cancel my appointment",
        "Please cancel my appointment",
        "I want to call off my visit",
        "Hi, I won't be needing my appointment anymore, please cancel it",
        "Could you cancel the appointment I have with you?",
    ),
    "confirm": (
        "When is my appointment?",
        "I'd like to confirm my appointment",
        "I got a message to confirm my appointment",
        "Can you check what time my appointment is?",
        "I just want to make sure my appointment is still on",
    ),
    "insurance": (
        "I have new insurance",
        "My insurance changed",
        "I got a new insurance card and want to give you the details",
        "I need to update my insurance information",
        "We switched insurance companies",
    ),
    "phone": (
        "I have a new phone number",
        "My phone number has changed",
        "I need to update my phone number",
        "I got a new cell phone number",
        "Could you change the phone number you have for me?",
    ),
    "address": (
        "I moved and have a new address",
        "I need to update my address",
        "We just moved, can you change my address?",
        "My address has changed",
        "I'd like to give you my new address",
    ),
    "other": ("{other}",),
}
THEIRS: dict[str, tuple[str, ...]] = {
    "reschedule": ("I need to move my {kin}'s appointment", "I'm calling to reschedule for my {kin}"),
    "book": ("I'd like to book an appointment for my {kin}", "My {kin} needs an appointment"),
    "cancel": (
        "I need to cancel my {kin}'s appointment",
        "I'm calling for my {kin}, please cancel the visit",
    ),
    "confirm": ("When is my {kin}'s appointment?", "I'm calling about my {kin}'s appointment"),
    "insurance": ("I have new insurance for my {kin}", "My {kin} has new insurance"),
    "phone": ("My {kin} has a new phone number",),
    "address": ("My {kin} has a new address",),
}
ANSWERS: dict[str, tuple[str, ...]] = {
    "identity": (
        "{name}, {birth}",
        "It's {name}, born {birth}",
        "My name is {name} and my date of birth is {birth}",
        "Sure, {name}, date of birth {birth}",
        "This is {name}, {birth}",
    ),
    "identity_theirs": (
        "{name}, {birth}",
        "The name is {name}, born {birth}",
        "{name}, date of birth {birth}",
    ),
    "name": ("{name}", "It's {name}", "My name is {name}", "{name} is my name", "That's {name}"),
    "birth": ("{birth}", "It's {birth}", "I was born {birth}", "My birthday is {birth}"),
    "when": ("{when}", "How about {when}?", "{when} would be good", "Maybe {when}", "I could do {when}"),
    "choose": (
        "{slot}",
        "{slot} please",
        "I'll take {slot}",
        "{slot} works for me",
        "Let's do {slot}",
        "{slot} would be perfect",
    ),
    "none_fits": (
        "None of those work for me",
        "No, I can't do those. How about {when}?",
        "Hmm, no. Do you have anything {when}?",
        "No, I need {when}",
    ),
    "visit": ("The one on {visit}", "{visit}", "I mean {visit}", "That would be {visit}"),
    "reason": ("{reason}", "Well, {reason}", "It's because {reason}"),
    "yes": (
        "Yes",
        "Yes please",
        "Yeah, that's right",
        "Correct",
        "Yes, go ahead",
        "Sounds good",
        "Yep",
        "That's right",
        "Uh huh, yes",
    ),
    "attend": ("Yes", "Yes, I'll be there", "Sure, I will", "Of course, I'll be there", "I will be there"),
    "no": ("No", "No thanks", "No, thank you", "Nope"),
    "done": (
        "No",
        "No, that's all",
        "No thank you, that's everything",
        "That's it, thanks",
        "Nope, I'm good, bye",
        "No thanks, have a nice day",
        "I'm all set, thank you",
    ),
    "here": ("Yes, I'm still here", "Yes, I'm here", "I'm here, sorry"),
    "payer": (
        "{payer}",
        "It's {payer}",
        "It's with {payer}",
        "{payer} is the company",
        "My new one is {payer}",
    ),
    "member": (
        "{member}",
        "It's {member}",
        "The member ID is {member}",
        "Let me see, {member}",
        "{member}, I think",
    ),
    "group": ("{group}", "The group number is {group}", "It's {group}", "Group {group}"),
    "no_group": (
        "No",
        "There isn't one",
        "I don't see one",
        "I don't have a group number",
        "None on the card",
    ),
    "phone": ("{phone}", "It's {phone}", "The new number is {phone}", "Sure, it's {phone}"),
    "address": ("{address}", "It's {address}", "We're now at {address}", "My new address is {address}"),
    "line": ("{line}", "It's {line}"),
    "city": ("{city}", "In {city}", "It's {city}"),
    "postal": ("{postal}", "It's {postal}", "The ZIP is {postal}"),
    "wrong": ("No, it's {value}", "No, that's wrong, it should be {value}", "Not quite, it's {value}"),
    "move": ("Move it please", "I'd like to move it", "Let's reschedule it"),
    "cancel_it": ("Cancel it please", "Please cancel it", "Just cancel it"),
    "what": ("Sorry, what was that?", "Could you repeat that?", "Pardon?", "Can you say that again?"),
}
"""By kind of question; places in braces are facts in spoken form."""

OPENERS = ("Oh hi there, ", "Well, let me see, ", "Okay so, ", "Right, so, ", "Thanks. ")
CLOSERS = (", thank you so much", ", if that's all right", ", it's been a busy week", "", "")
HESITATIONS = ("Um, ", "Uh, ", "Hmm, let me think, ", "Er, well, ")
