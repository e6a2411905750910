"""Every sentence the agent says, with its variants: short, speakable, free of markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

LINES: dict[str, tuple[str, ...]] = {
    "greeting": ("Thank you for calling {practice}. I'm the automated assistant. How can I help you today?",),
    "ask_identity": (
        "I can help with that. May I have your full name and date of birth?",
        "Please tell me your full name and your date of birth.",
    ),
    "ask_identity_third": (
        "I can help with that. Please tell me the patient's full name and date of birth.",
        "What are the patient's full name and date of birth?",
    ),
    "ask_name": ("Thank you. And your full name, please?", "Could you tell me your first and last name?"),
    "ask_name_third": (
        "Thank you. And the patient's full name?",
        "What is the patient's first and last name?",
    ),
    "ask_birth": ("Thank you. And your date of birth, please?", "What is your date of birth?"),
    "ask_birth_third": (
        "Thank you. And the patient's date of birth?",
        "What is the patient's date of birth?",
    ),
    "ask_birth_again": ("I didn't get the date. Please say the month, the day and the year.",),
    "identity_failed": (
        "I'm sorry, I couldn't match those details. Please say the full name and the date of birth again.",
        "I still couldn't match that. Let's try once more: the full name and the date of birth, please.",
    ),
    "ask_spelling": (
        "I still couldn't match those details. Please spell the last name for me, letter by letter, "
        "and then say the date of birth.",
        "Please spell the last name letter by letter, and then say the date of birth.",
    ),
    "identity_person": (
        "I'm sorry, I couldn't match those details, so I can't help with that here. Let me get a person "
        "for you.",
    ),
    "third_party_person": (
        "Thank you. To protect the patient's privacy a member of our staff has to help you with this. "
        "Let me get a person for you.",
    ),
    "identified": ("Thank you, {name}.",),
    "identified_third": ("Thank you, I have found the record.",),
    "how_help": ("How can I help you today?", "What can I do for you?"),
    "loading": ("One moment, please.", "Let me look that up."),
    "searching": ("Let me look at the calendar.", "One moment while I check what is open."),
    "writing": ("One moment while I do that.", "Let me take care of that."),
    "no_appointment": ("I don't see an upcoming appointment. Would you like to book one?",),
    "which_appointment": ("You have {list}. Which one do you mean?", "Which one: {list}?"),
    "ask_when": (
        "What day and time would suit you?",
        "Which day would work for you, and morning or afternoon?",
    ),
    "ask_when_move": (
        "I have your appointment on {old}. What day and time would suit you instead?",
        "Which day and time would you like instead?",
    ),
    "offer": ("I have {list}. Which would you like?", "There is {list}. Which of these suits you?"),
    "offer_one": ("I have {list}. Does that work for you?", "There is {list}. Would that suit you?"),
    "offer_day": (
        "I have nothing at that time of day. On the days you named I have {list}. Would one of these work?",
    ),
    "offer_nearest": (
        "I'm sorry, nothing is open then. The nearest I have is {list}. Would one of these work?",
    ),
    "no_slots": (
        "I'm sorry, I don't find an open time then. Which other day would work for you?",
        "There is nothing open then either. Is there another day that would work?",
    ),
    "which_slot": ("Sorry, which one would you like: {list}?", "Please tell me which time: {list}."),
    "other_when": (
        "No problem. What day or time would work better?",
        "Which other day or time would you like?",
    ),
    "confirm_move": ("So I'll move your appointment from {old} to {new}. Shall I go ahead?",),
    "confirm_book": ("So that's {new}. Shall I book it?",),
    "moved": ("You're all set. Your appointment is now on {new}.",),
    "booked": ("You're all set. You're booked for {new}.",),
    "taken": ("I'm sorry, that time was just taken by somebody else. Let me look again.",),
    "stale": (
        "I'm sorry, that appointment was just changed by somebody else. I'll get a person to look at it.",
    ),
    "ask_reason": ("May I ask the reason for cancelling?", "What is the reason, please?"),
    "confirm_cancel": ("So I'll cancel your appointment on {old}. Is that right?",),
    "cancelled": ("Your appointment on {old} is cancelled.",),
    "kept": ("All right, I'll leave your appointment as it is.",),
    "ask_confirm": ("You have an appointment on {old}. Will you be there?",),
    "tell_list": ("You have {list}.",),
    "confirmed": ("Thank you, I've noted that you will be there.",),
    "not_coming": ("Would you like to move it to another time, or cancel it?",),
    "ask_payer": ("Which insurance company is it?", "What is the name of the insurance company?"),
    "ask_member": ("What is the member ID?", "Please read me the member ID, letters and digits."),
    "go_on": ("Go on.", "And the rest?"),
    "ask_group": ("And the group number, if there is one?", "Is there a group number?"),
    "read_coverage": ("I have {payer}, member ID {member}{group}. Is that right?",),
    "which_part": ("Which part is wrong: the company, the member ID or the group number?",),
    "picture_kept": ("Thank you, I have your picture. I'll come to it in a moment.",),
    "picture_read": ("Thank you, I have read your card.", "Thank you, I have read it again."),
    "picture_unread": (
        "Thank you. I couldn't read that picture, so a person will look at it. You can also type what stands on the "
        "card.",
        "I couldn't read that one either. A person will look at it. Please type what stands on the card.",
    ),
    "coverage_recorded": (
        "Thank you. I've recorded your new insurance. Our staff will check it before it goes into your "
        "chart.",
    ),
    "ask_phone": ("What is the new phone number?", "Please tell me the phone number with the area code."),
    "read_phone": ("I have {number}. Is that right?",),
    "phone_recorded": ("Thank you. I've recorded the new number. Our staff will check it.",),
    "ask_address": (
        "What is the new address, with city, state and ZIP code?",
        "Please tell me the street, the city and the ZIP code.",
    ),
    "ask_line": (
        "What is the house number and the street?",
        "Please tell me the house number and street again.",
    ),
    "ask_city": ("And which city?", "What city is that in?"),
    "ask_postal": ("And the ZIP code?", "What is the five-digit ZIP code?"),
    "read_address": ("I have {address}. Is that right?",),
    "address_recorded": ("Thank you. I've recorded the new address. Our staff will check it.",),
    "read_answer": ("I have {answer}. Is that right?",),
    "say_again": ("I'm sorry. Please tell me again.", "Let's try once more. Please say it again."),
    "dropped": ("All right, we'll leave that.", "Okay, never mind that."),
    "anything_else": ("Is there anything else I can help with?", "Anything else I can do for you?"),
    "recap": ("To sum up: {done}.",),
    "recap_check": ("What you told me about your record is noted and will be checked by our staff.",),
    "goodbye": ("Thank you for calling. Goodbye.", "Thank you. Have a good day. Goodbye."),
    "person": ("Of course. I'm connecting you with a person now.", "Let me get a person for you."),
    "beyond": (
        "I can't help with that myself, but our staff can. Shall I connect you with a person?",
        "That is something for our staff. Would you like me to connect you?",
    ),
    "tell_hours": ("We are open {hours}.",),
    "tell_hours_of": ("{place} is open {hours}.",),
    "open_then": ("Yes, on {day} we are open {hours}.",),
    "closed_now": ("No, we are closed right now. On {day} we are open {hours}.",),
    "closed_then": ("No, on {day} we are closed{why}.",),
    "tell_address": ("We are at {address}.",),
    "tell_address_of": ("{place} is at {address}.",),
    "tell_phone": ("Our phone number is {number}.",),
    "tell_phone_of": ("The phone number of {place} is {number}.",),
    "not_known": (
        "I don't know that myself, but our staff can tell you. Shall I connect you with a person?",
    ),
    "loop_person": ("Let me get a person who can look at this with you.",),
    "new_patient": ("Welcome. Our staff will set up your record. I'm connecting you with a person now.",),
    "wrong_number": ("This is {practice}. It sounds like you have the wrong number. No problem. Goodbye.",),
    "sure_emergency": ("I want to be sure I heard you right: is this a medical emergency?",),
    "sure_self_harm": ("I want to be sure I heard you right: are you thinking of hurting yourself?",),
    "no_danger": ("All right, thank you.",),
    "emergency": (
        "If this is a medical emergency, please hang up and dial nine one one right now. "
        "I'm also connecting you with a person.",
    ),
    "self_harm": (
        "I'm glad you told me. Please stay with me: I'm connecting you with a person now. "
        "You can also call or text nine eight eight at any time, and nine one one if you are in danger.",
    ),
    "take_your_time": ("Take all the time you need.", "There is no hurry. I'm here."),
    "sorry_trouble": (
        "I'm sorry for the trouble.",
        "I understand this is frustrating, and I'm sorry.",
        "I hear you, and I want to get this right.",
    ),
    "advice": (
        "I can't give medical advice, but our staff can help. Shall I connect you with a person?",
        "That is a medical question for our staff. Would you like me to connect you with a person?",
    ),
    "abuse_warning": (
        "I want to help you, but please don't use that language. Otherwise I'll have to end the call.",
    ),
    "abuse_end": ("I'm ending the call now because of the language used. Please call again. Goodbye.",),
    "minor": (
        "Thank you for calling. Because you are under eighteen, a member of our staff has to help you with this. "
        "I'm connecting you with a person now.",
    ),
    "ask_guardian": (
        "Thank you. The patient is under eighteen. Are you the patient's parent or guardian?",
        "Just to be sure: are you the patient's parent or guardian?",
    ),
    "still_working": (
        "Yes, I'm still here. One more moment, please.",
        "I'm still working on it. Just a moment, please.",
        "Thank you for waiting. I'm nearly there.",
    ),
    "offer_person": ("Would you like me to connect you with a person?",),
    "not_understood": (
        "I'm sorry, I didn't get that.",
        "Sorry, I didn't understand.",
        "I'm having trouble understanding.",
    ),
    "menu": ("I can help with appointments, insurance, or your phone number and address.",),
    "still_there": ("Are you still there?", "I can't hear you. Are you there?"),
    "silent_end": ("I can't hear anything, so I'll hang up now. Please call again. Goodbye.",),
    "trouble": ("I'm sorry, I can't reach our calendar right now. I'll get a person to help you.",),
    "write_failed": (
        "I'm sorry, I couldn't record that just now. Nothing was changed. I'll have a person follow up "
        "with you.",
    ),
    "ask_well": (
        "How are you feeling since your visit?",
        "Are you feeling well since your visit, or is there anything our staff should know?",
    ),
    "glad_well": ("I'm glad to hear that. If anything changes, please call us.",),
    "unwell_person": ("Thank you for telling me. Let me get a person who can help you with that.",),
    "call_you": ("Thank you. A member of our staff will call you.",),
    "no_more": ("I understand. We won't contact you this way any more. Goodbye.",),
    "no_more_noted": (
        "I understand. I'll have it noted that you don't want to be contacted this way. Goodbye.",
    ),
    "confirmed_by_text": ("Thank you, your appointment is confirmed. See you then!",),
    "not_confirmed": ("I'm sorry, I couldn't record that just now. Our staff will get back to you.",),
    "back_confirm": ("We reached out to you about an appointment.",),
    "back_reschedule": ("We reached out to you because we would like to move an appointment.",),
    "back_insurance": ("We reached out to you because we need your current insurance.",),
    "back_call_back": ("We tried to call you back.",),
    "back_follow_up": ("We reached out to you to ask how you are after your visit.",),
    "back_rebook": ("We reached out to you because of an appointment that you missed.",),
    "back_missing": (
        "We reached out to you because some details are missing in our records: your phone number, your address or "
        "your insurance may be among them.",
    ),
    "back_custom": ("We tried to reach you.",),
    "back": ("I'm back with you. What else can I do?",),
    "form_instead": (
        "Let's leave that for now. I'll ask our staff to send you a form, so that you can fill it in at your ease.",
    ),
}

LINES_OUT: dict[str, tuple[str, ...]] = {
    "greeting": (
        "Hello, this is the automated assistant of {practice}. Before I say why I'm calling, I need to know "
        "who I'm speaking with. May I have your full name and date of birth?",
    ),
    "ask_identity": (
        "This is the automated assistant of {practice}. I can say more once I know who I'm speaking with. "
        "Please tell me your full name and your date of birth.",
        "Please tell me your full name and your date of birth.",
    ),
    "errand_confirm": ("I'm calling about an appointment.",),
    "errand_reschedule": ("I'm calling because we would like to move an appointment.",),
    "errand_insurance": ("I'm calling because we need your current insurance.",),
    "errand_call_back": ("I'm calling you back, as promised.",),
    "errand_follow_up": ("I'm calling to ask how you are after your visit.",),
    "errand_rebook": (
        "I'm calling because we missed you at your appointment, and would like to find a new time.",
    ),
    "errand_missing": (
        "I'm calling because some details are missing in our records. If your phone number, your address or your "
        "insurance has changed, you can tell me now.",
    ),
    "errand_custom": ("I'm calling on behalf of the practice.",),
    "errand_other": ("My call was meant for somebody else.",),
    "goodbye": ("Thank you for your time. Goodbye.", "Thank you. Have a good day. Goodbye."),
    "silent_end": ("I can't hear anything, so I'll hang up now. Goodbye.",),
    "wrong_number": ("I'm sorry to have troubled you. Goodbye.",),
    "abuse_end": ("I'm ending the call now because of the language used. Goodbye.",),
    "minor": (
        "Thank you. Because you are under eighteen, a member of our staff has to help with this. "
        "I'm connecting you with a person now.",
    ),
}
"""What is said otherwise, or only, where the agent calls."""

LINES_WRITTEN: dict[str, tuple[str, ...]] = {
    "greeting": ("Hello, this is the automated assistant of {practice}. How can I help you today?",),
    "goodbye": ("Thank you for writing. Goodbye.", "Thank you. Have a good day. Goodbye."),
    "emergency": (
        "If this is a medical emergency, please call 911 right now. I'm also getting a person for you here.",
    ),
    "abuse_end": ("I'm ending this conversation now because of the language used. Goodbye.",),
    "abuse_warning": (
        "I want to help you, but please don't use that language. Otherwise I'll have to end the conversation.",
    ),
    "minor": (
        "Thank you. Because you are under eighteen, a member of our staff has to help you with this. "
        "I'm getting a person for you now.",
    ),
    "sure_emergency": ("I want to be sure I understood you right: is this a medical emergency?",),
    "sure_self_harm": ("I want to be sure I understood you right: are you thinking of hurting yourself?",),
    "still_there": ("Are you still there?",),
}
"""What is put otherwise where it is read, not heard."""
LINES_WRITTEN_OUT: dict[str, tuple[str, ...]] = {
    **LINES_WRITTEN,
    "greeting": (
        "Hello, this is the automated assistant of {practice}. Before I say why I'm writing, I need to know "
        "who I'm writing with. May I have your full name and date of birth?",
    ),
    "greeting_known": ("Hello, this is the automated assistant of {practice}.",),
    "errand_confirm": ("I'm writing about an appointment.",),
    "errand_reschedule": ("I'm writing because we would like to move an appointment.",),
    "errand_insurance": ("I'm writing because we need your current insurance.",),
    "errand_call_back": ("I'm writing as promised.",),
    "errand_other": ("My message was meant for somebody else.",),
}
"""The same where the agent writes first; ``greeting_known`` where it is known to whom."""


class Wording:
    """Picks the variants of a line in turn, so that a repeated question is put in other words. ``out``: we call;
    ``written``: it is read, not heard; ``greeting``: in place of the one there is; ``own``: the practice's words for
    lines, where we do not call. What is said at the beginning and the end of a call is not for what is read."""

    def __init__(
        self,
        practice: str,
        out: bool = False,
        written: bool = False,
        greeting: str = "",
        own: Mapping[str, tuple[str, ...]] | None = None,
    ):
        self._practice, self._lines = practice, {**LINES, **LINES_OUT} if out else LINES
        if written:
            self._lines = {**self._lines, **(LINES_WRITTEN_OUT if out else LINES_WRITTEN)}
        kept = LINES_OUT if out else LINES_WRITTEN if written else {}
        self._lines = {**self._lines, **{k: v for k, v in (own or {}).items() if k not in kept}}
        if greeting:
            plain = greeting.replace("{", "{{").replace("}", "}}")
            self._lines = {**self._lines, "greeting": (plain,), "greeting_known": (plain,)}
        self._used: Counter[str] = Counter()
        self._tongue: Mapping[str, tuple[str, ...]] = {}

    def speak(self, lines: Mapping[str, tuple[str, ...]]) -> None:
        """From now on say these, by their keys, in the place of what is said else."""
        self._tongue = lines

    def first(self, key: str) -> str:
        """The first variant of ``key``, without using it up."""
        return self._lines[key][0].format(practice=self._practice)

    def line(self, key: str, **values: str) -> str:
        """The next variant of ``key`` with its places filled. Raises KeyError for an unknown key."""
        variants = self._tongue.get(key) or self._lines[key]
        index = (
            min(self._used[key], len(variants) - 1) if len(variants) < 3 else self._used[key] % len(variants)
        )
        self._used[key] += 1
        return variants[index].format(practice=self._practice, **values)

    def filled(self, text: str) -> str:
        """A sentence of the practice's own with the one place filled that it may have."""
        return text.format(practice=self._practice)
