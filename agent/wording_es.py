"""What is said in Spanish to whoever answers a message in Spanish, by the names of the lines in :mod:`agent.wording`.

No more than what is needed there: whatever else is wanted in Spanish is a person's to answer.
"""

from __future__ import annotations

LINES_ES: dict[str, tuple[str, ...]] = {
    "confirmed_by_text": ("Gracias, su cita está confirmada. ¡Le esperamos!",),
    "confirmed": ("Gracias, he anotado que vendrá.",),
    "not_confirmed": (
        "Lo siento, ahora no pude registrarlo. Una persona del consultorio se comunicará con usted.",
    ),
    "glad_well": ("Me alegra saberlo. Si algo cambia, llámenos, por favor.",),
    "no_more": ("Entendido. No le enviaremos más mensajes.",),
    "no_more_noted": ("Entendido. Dejo anotado que no quiere recibir más mensajes.",),
    "wrong_number": ("Disculpe la molestia. No volveremos a escribirle por esto.",),
    "emergency": (
        "Si es una emergencia médica, llame ahora mismo al 911. También aviso a una persona del consultorio.",
    ),
    "self_harm": (
        "Lamento mucho que se sienta así. Llame o escriba ahora al 988 (oprima 2 para español), o al 911 si está en "
        "peligro. También aviso a una persona del consultorio.",
    ),
    "anything_else": ("¿Puedo ayudarle en algo más?",),
    "recap": ("Gracias.",),
    "recap_check": ("El consultorio lo revisará.",),
    "goodbye": ("Que tenga un buen día.",),
    "es_help": (
        "{practice}: recordatorios y mensajes sobre sus citas. Responda SI, NO o CAMBIAR, o BAJA para no recibir más "
        "mensajes. También puede llamarnos.",
    ),
    "es_person": ("Gracias. Una persona del consultorio se comunicará con usted.",),
    "es_person_move": (
        "Gracias por avisar. Una persona del consultorio se comunicará con usted para buscar otra hora.",
    ),
    "es_person_cancel": (
        "Gracias por avisar. Una persona del consultorio se comunicará con usted para cancelar su cita.",
    ),
    "es_person_no": (
        "Gracias por avisar. Una persona del consultorio se comunicará con usted para cambiar o cancelar su cita.",
    ),
    "es_cancel_what": ("¿Quiere cancelar su cita, o no recibir más mensajes? Responda CITA o BAJA.",),
    "es_again": ("Responda SI para confirmar su cita, CAMBIAR para otra hora, o LLAMAR y le llamaremos.",),
    "es_thanks": ("Con gusto.",),
}
