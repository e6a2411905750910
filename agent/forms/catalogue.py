"""Every subject that can be asked for, with its questions."""

from __future__ import annotations

from typing import Final

from agent.forms.questions import (
    CHOICE,
    DATE,
    EMAIL,
    LONG,
    MEMBER,
    PHONE,
    PHOTO,
    TEXT,
    YES_NO,
    ZIP,
    Option,
    Question,
    Subject,
    When,
    words,
)  # fmt: skip

FHIR = "http://hl7.org/fhir/StructureDefinition"
_LANGUAGE = "urn:ietf:bcp:47"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_POINT_USE = "http://hl7.org/fhir/contact-point-use"
YES, NO = "yes", "no"


def _of(path: str) -> str:
    """The canonical of an element, as Questionnaire.item.definition wants it."""
    return f"{FHIR}/{path.split('.')[0]}#{path}"


_BIRTH = Subject(
    "birth-date",
    "you",
    words("Date of birth", "Fecha de nacimiento"),
    (
        Question(
            "birth-date",
            DATE,
            words("What is the patient's date of birth?", "¿Cuál es la fecha de nacimiento del paciente?"),
            required=True,
            definition=_of("Patient.birthDate"),
            autocomplete="bday",
        ),
    ),
)
_PHONE = Subject(
    "phone",
    "you",
    words("Phone", "Teléfono"),
    (
        Question(
            "phone",
            PHONE,
            words("Which phone number reaches you best?", "¿En qué teléfono es mejor llamarle?"),
            words("Ten digits, such as 412-555-0142", "Diez dígitos, por ejemplo 412-555-0142"),
            True,
            definition=_of("Patient.telecom"),
            autocomplete="tel",
            longest=40,
        ),
        Question(
            "phone-use",
            CHOICE,
            words("What kind of phone is it?", "¿Qué tipo de teléfono es?"),
            options=(
                Option("mobile", words("Mobile", "Celular"), _POINT_USE),
                Option("home", words("Home", "Casa"), _POINT_USE),
                Option("work", words("Work", "Trabajo"), _POINT_USE),
            ),
            definition=_of("Patient.telecom"),
        ),
    ),
)
_EMAIL = Subject(
    "email",
    "you",
    words("E-mail", "Correo electrónico"),
    (
        Question(
            "email",
            EMAIL,
            words("What is your e-mail address?", "¿Cuál es su correo electrónico?"),
            words("Such as name@example.com", "Por ejemplo nombre@ejemplo.com"),
            True,
            definition=_of("Patient.telecom"),
            autocomplete="email",
        ),
    ),
)
_ADDRESS = Subject(
    "address",
    "you",
    words("Home address", "Domicilio"),
    (
        Question(
            "address-line",
            TEXT,
            words("Street address", "Calle y número"),
            words("Include the apartment or unit", "Incluya el apartamento o la unidad"),
            True,
            definition=_of("Patient.address"),
            autocomplete="street-address",
        ),
        Question(
            "address-city",
            TEXT,
            words("City", "Ciudad"),
            required=True,
            definition=_of("Patient.address"),
            autocomplete="address-level2",
            longest=80,
        ),
        Question(
            "address-state",
            TEXT,
            words("State", "Estado"),
            words("Two letters, such as PA", "Dos letras, por ejemplo PA"),
            True,
            definition=_of("Patient.address"),
            autocomplete="address-level1",
            longest=30,
        ),
        Question(
            "address-zip",
            ZIP,
            words("ZIP code", "Código postal"),
            words("Five digits", "Cinco dígitos"),
            True,
            definition=_of("Patient.address"),
            autocomplete="postal-code",
            longest=12,
        ),
    ),
)
_LANGUAGES = Subject(
    "language",
    "you",
    words("Language", "Idioma"),
    (
        Question(
            "language",
            CHOICE,
            words(
                "Which language do you prefer to speak with us?",
                "¿En qué idioma prefiere hablar con nosotros?",
            ),
            required=True,
            options=(
                Option("en", words("English", "Inglés"), _LANGUAGE),
                Option("es", words("Spanish", "Español"), _LANGUAGE),
                Option("zh", words("Chinese", "Chino"), _LANGUAGE),
                Option("vi", words("Vietnamese", "Vietnamita"), _LANGUAGE),
                Option("ar", words("Arabic", "Árabe"), _LANGUAGE),
                Option("fr", words("French", "Francés"), _LANGUAGE),
            ),
            definition=_of("Patient.communication"),
        ),
    ),
)
_RELATION = (
    Option("SPS", words("Spouse", "Cónyuge"), _ROLE),
    Option("PRN", words("Parent", "Padre o madre"), _ROLE),
    Option("CHILD", words("Child", "Hijo o hija"), _ROLE),
    Option("SIB", words("Brother or sister", "Hermano o hermana"), _ROLE),
    Option("FRND", words("Friend", "Amigo o amiga"), _ROLE),
)
_EMERGENCY = Subject(
    "emergency-contact",
    "people",
    words("Emergency contact", "Contacto de emergencia"),
    (
        Question(
            "emergency-name",
            TEXT,
            words("Whom should we call in an emergency?", "¿A quién llamamos en una emergencia?"),
            words("First and last name", "Nombre y apellido"),
            True,
            definition=_of("Patient.contact"),
        ),
        Question(
            "emergency-phone",
            PHONE,
            words("Their phone number", "Su teléfono"),
            words("Ten digits, such as 412-555-0142", "Diez dígitos, por ejemplo 412-555-0142"),
            True,
            definition=_of("Patient.contact"),
            longest=40,
        ),
        Question(
            "emergency-relation",
            CHOICE,
            words("Who are they to you?", "¿Qué relación tiene con usted?"),
            options=_RELATION,
            definition=_of("Patient.contact"),
        ),
    ),
)
_GUARDIAN = Subject(
    "guardian",
    "people",
    words("Parent or guardian", "Padre, madre o tutor"),
    (
        Question(
            "guardian-name",
            TEXT,
            words(
                "Who is the patient's parent or guardian?",
                "¿Quién es el padre, la madre o el tutor del paciente?",
            ),
            words("First and last name", "Nombre y apellido"),
            True,
            definition=_of("RelatedPerson.name"),
        ),
        Question(
            "guardian-relation",
            CHOICE,
            words("Are they a parent or a guardian?", "¿Es padre, madre o tutor?"),
            required=True,
            options=(
                Option("PRN", words("Parent", "Padre o madre"), _ROLE),
                Option("GUARD", words("Legal guardian", "Tutor legal"), _ROLE),
            ),
            definition=_of("RelatedPerson.relationship"),
        ),
        Question(
            "guardian-phone",
            PHONE,
            words("Their phone number", "Su teléfono"),
            words("Ten digits, such as 412-555-0142", "Diez dígitos, por ejemplo 412-555-0142"),
            definition=_of("RelatedPerson.telecom"),
            longest=40,
        ),
    ),
)
_INSURED = When("coverage-has", YES)
_COVERAGE = Subject(
    "coverage",
    "insurance",
    words("Health insurance", "Seguro médico"),
    (
        Question(
            "coverage-has",
            YES_NO,
            words("Do you have health insurance now?", "¿Tiene seguro médico actualmente?"),
            required=True,
        ),
        Question(
            "coverage-card",
            PHOTO,
            words("Photo of the front of your card", "Foto del frente de su tarjeta"),
            words(
                "If you have the card at hand. It helps us to get it right.",
                "Si tiene la tarjeta a la mano. Nos ayuda a no equivocarnos.",
            ),
            when=_INSURED,
        ),
        Question(
            "coverage-payer",
            TEXT,
            words("Insurance company", "Compañía de seguros"),
            words("The name on your card, such as Aetna", "El nombre en su tarjeta, por ejemplo Aetna"),
            True,
            when=_INSURED,
            definition=_of("Coverage.payor"),
        ),
        Question(
            "coverage-member",
            MEMBER,
            words("Member ID", "Número de miembro"),
            words("Letters and digits as on your card", "Letras y números como en su tarjeta"),
            True,
            when=_INSURED,
            definition=_of("Coverage.subscriberId"),
            longest=40,
        ),
        Question(
            "coverage-group",
            TEXT,
            words("Group number", "Número de grupo"),
            words("If there is one on your card", "Si aparece en su tarjeta"),
            when=_INSURED,
            definition=_of("Coverage.class"),
            longest=40,
        ),
    ),
)
_REASON = Subject(
    "reason",
    "health",
    words("Your visit", "Su consulta"),
    (
        Question(
            "reason",
            LONG,
            words(
                "What would you like to talk about at your visit?",
                "¿De qué le gustaría hablar en su consulta?",
            ),
            words(
                "A sentence is enough. In an emergency call 911.",
                "Basta con una frase. En una emergencia llame al 911.",
            ),
            True,
            longest=600,
        ),
    ),
)
_PHARMACY = Subject(
    "pharmacy",
    "health",
    words("Pharmacy", "Farmacia"),
    (
        Question(
            "pharmacy",
            TEXT,
            words("Which pharmacy do you use?", "¿Qué farmacia usa?"),
            words("Name and street or town", "Nombre y calle o ciudad"),
            True,
            definition=_of("Patient.extension"),
            longest=200,
        ),
    ),
)
_ALLERGIES = Subject(
    "allergies",
    "health",
    words("Allergies", "Alergias"),
    (
        Question(
            "allergies-any",
            YES_NO,
            words("Do you have any allergies?", "¿Tiene alguna alergia?"),
            required=True,
        ),
        Question(
            "allergies-list",
            LONG,
            words("What are you allergic to?", "¿A qué tiene alergia?"),
            words("One on each line", "Una en cada línea"),
            True,
            when=When("allergies-any", YES),
            definition=_of("AllergyIntolerance.code"),
            longest=1000,
        ),
    ),
)
_MEDICATIONS = Subject(
    "medications",
    "health",
    words("Medications", "Medicamentos"),
    (
        Question(
            "medications-any",
            YES_NO,
            words("Do you take any medications?", "¿Toma algún medicamento?"),
            required=True,
        ),
        Question(
            "medications-list",
            LONG,
            words("Which medications do you take?", "¿Qué medicamentos toma?"),
            words(
                "One on each line, with the dose if you know it", "Uno en cada línea, con la dosis si la sabe"
            ),
            True,
            when=When("medications-any", YES),
            definition=_of("MedicationStatement.medication[x]"),
            longest=2000,
        ),
    ),
)
_TEXTS = Subject(
    "consent-texts",
    "permission",
    words("Text messages", "Mensajes de texto"),
    (
        Question(
            "consent-texts",
            YES_NO,
            words(
                "May we send you text messages about your care?",
                "¿Podemos enviarle mensajes de texto sobre su atención?",
            ),
            words(
                "You can stop them at any time by answering STOP.",
                "Puede detenerlos en cualquier momento respondiendo STOP.",
            ),
            True,
            definition=_of("Consent.provision"),
        ),
    ),
)
_CALLS = Subject(
    "consent-calls",
    "permission",
    words("Phone calls", "Llamadas"),
    (
        Question(
            "consent-calls",
            YES_NO,
            words(
                "May our automated assistant call you about your care?",
                "¿Puede nuestro asistente automático llamarle sobre su atención?",
            ),
            required=True,
            definition=_of("Consent.provision"),
        ),
    ),
)
CATALOGUE: Final = {
    one.key: one
    for one in (
        _BIRTH, _PHONE, _EMAIL, _ADDRESS, _LANGUAGES, _EMERGENCY, _GUARDIAN, _COVERAGE, _REASON, _PHARMACY, _ALLERGIES,
        _MEDICATIONS, _TEXTS, _CALLS,
    )
}  # fmt: skip
"""The subjects by their keys, in the order in which they are asked."""
QUESTIONS: Final = {question.link_id: question for one in CATALOGUE.values() for question in one.questions}
SUBJECT_OF: Final = {question.link_id: one.key for one in CATALOGUE.values() for question in one.questions}


def asked_in(subjects: frozenset[str] | set[str]) -> list[Question]:
    """The questions of some subjects, in their order."""
    return [question for key, one in CATALOGUE.items() if key in subjects for question in one.questions]
