"""Deutsch, mit du. Kurz, freundlich, genau; jede Antwort sagt, wie es weitergeht."""

from bot.conversation.languages.catalogue import Catalogue, Plural

PHRASES: Catalogue = {
    # the first words
    "start.welcome.title": "Hallo! Ich mache Porträts, auf denen du aussiehst wie du.",
    "start.welcome": (
        "1. Schick mir {few} bis {many} Fotos von dir. Ich prüfe jedes sofort.\n"
        "2. Drück auf Start. Ich lerne dein Gesicht.\n"
        "3. Such dir einen Stil aus, und ich mache deine Porträts.\n\n"
        "Alles bleibt auf dem Rechner, auf dem dieser Bot läuft, "
        "und du kannst es jederzeit löschen."
    ),
    "start.back": "Schön, dass du wieder da bist! „{name}“ ist bereit. Wollen wir Porträts machen?",
    "help.title": "Was ich kann",
    "help.text": "Schick mir Fotos von dir, damit ich dich kennenlerne. Dann mache ich Porträts.",
    "help.end": (
        "Ein Beispiel: /headshot linkedin 4\n"
        "Fotos kannst du mir immer schicken, ich weiß, was damit zu tun ist."
    ),
    "help.end_among_others": (
        "Ein Beispiel: /headshot linkedin 4\n"
        "Fotos gehören in unseren privaten Chat, wo nur du sie siehst."
    ),
    "command.train": "zeig mir mit Fotos dein Gesicht",
    "command.headshot": "Porträts in einem Stil deiner Wahl",
    "command.styles": "alle Stile ansehen",
    "command.share": "deine Porträts in einer Gruppe oder einem Kanal zeigen",
    "command.status": "was gerade läuft und wie lange noch",
    "command.models": "Modelle wählen, umbenennen, nachtrainieren, löschen",
    "command.cancel": "anhalten, was gerade läuft",
    "command.privacy": "was ich aufbewahre, und eine Kopie für dich",
    "command.forget": "alles löschen, was ich von dir habe",
    "command.settings": "Sprache wählen",
    "command.help": "diese Übersicht",
    "command.start": "Hallo sagen",
    "command.admin": "Zahlen, Pause, Grenzen und Sperren, für Admins",
    # what was not understood
    "unknown.command": "„{wanted}“ kenne ich nicht. Was ich kann, zeigt dir /help",
    "unknown.did_you_mean": "„{wanted}“ kenne ich nicht. Meinst du /{near}?",
    "unknown.button": (
        "Dieser Knopf stammt aus einer älteren Version von mir. /help zeigt, was ich jetzt kann."
    ),
    "said.lost": (
        "Ich arbeite mit Fotos. Schick mir welche von dir, "
        "oder drück auf Trainieren, dann zeige ich dir, wie es geht."
    ),
    "said.lost_with_model": (
        "Das habe ich nicht verstanden. Für Porträts drück auf den Knopf, "
        "oder probier /headshot linkedin."
    ),
    "said.while_collecting": (
        "Ich warte auf Fotos. Schick noch welche, oder nimm die Knöpfe unter deinen Fotos. "
        "/train zeigt sie noch einmal, /cancel hört auf."
    ),
    "said.style": "{style} ist einer meiner Stile. Soll ich ihn mit „{name}“ machen?",
    "question.kept": "In Ordnung, es bleibt alles, wie es war.",
    # who may, and when
    "access.banned": (
        "Du kannst hier nichts Neues bestellen. "
        "/privacy und /forget gelten weiter für dich. Fragen? Wende dich an den Admin dieses Bots."
    ),
    "access.not_invited": (
        "Dieser Bot ist nur auf Einladung da. "
        "Bitte seinen Admin, dich aufzunehmen, und schick dann noch einmal /start."
    ),
    "access.paused": (
        "Ich mache gerade eine kurze Pause für Wartung. Versuch es bitte etwas später noch einmal."
    ),
    "quota.headshots_left": Plural("{n} Porträt", "{n} Porträts"),
    "quota.trainings_left": Plural("{n} Training", "{n} Trainings"),
    "quota.left": "Das hast du noch frei: {parts}.",
    "quota.left_until": "Das hast du noch frei: {parts}. Mehr gibt es {when}.",
    "quota.headshots": "Deine Porträts sind aufgebraucht. Frag den Admin dieses Bots nach mehr.",
    "quota.headshots_until": "Deine Porträts sind fürs Erste aufgebraucht. Neue gibt es {when}.",
    "quota.trainings": (
        "Deine Trainings sind aufgebraucht. Frag den Admin nach mehr, "
        "oder mach Porträts mit dem Modell, das du hast."
    ),
    "quota.trainings_until": (
        "Deine Trainings sind fürs Erste aufgebraucht. Neue gibt es {when}. "
        "Deine Fotos bleiben so lange hier."
    ),
    "quota.models": Plural(
        "Ich behalte ein Modell für dich, und das hast du schon. Lösch es mit /models und fang "
        "dann noch einmal an. Geschickte Fotos bleiben hier.",
        "Du hast {n} Modelle, und mehr behalte ich nicht für eine Person. Lösch eins mit /models "
        "und fang dann noch einmal an. Geschickte Fotos bleiben hier.",
    ),
    # collecting photos
    "collection.empty.title": "Schick mir deine Fotos",
    "collection.empty": (
        "Am besten {few} bis {many} Fotos von dir, für den Anfang genügen {least} gute. "
        "Schick sie einzeln oder alle auf einmal.\n\n"
        "Gute Fotos:\n"
        "• nur du, das Gesicht scharf und ganz im Bild\n"
        "• verschiedene Tage, Orte und Kleider\n"
        "• von vorn und von beiden Seiten, nah und von weiter weg\n"
        "• keine Sonnenbrille, keine Filter"
    ),
    "collection.refreshes": (
        "Diese Fotos sind für „{name}“. Mit weiteren wird die Ähnlichkeit besser."
    ),
    "collection.title_of_least": "Deine Fotos: {accepted} von {least} guten",
    "collection.title": Plural("Deine Fotos: {n} gutes", "Deine Fotos: {n} gute"),
    "collection.pending": Plural(
        "Ich sehe mir noch {n} Foto an …", "Ich sehe mir noch {n} Fotos an …"
    ),
    "collection.refused": Plural(
        "Ein Foto kann ich nicht nehmen:", "{n} Fotos kann ich nicht nehmen:"
    ),
    "collection.refused_more": Plural("• und {n} weiteres", "• und {n} weitere"),
    "collection.advice": "Das würde am meisten helfen:",
    "collection.starts_when_checked": ("Ich fange von selbst an, sobald alle Fotos geprüft sind."),
    "collection.enough_once_checked": (
        "Das reicht zum Anfangen. Einen Moment, ich sehe mir erst den Rest an."
    ),
    "collection.full": "Mehr kann ich nicht gebrauchen. Drück auf Start!",
    "collection.enough": (
        "Du kannst jetzt starten. Mit {few} bis {many} Fotos wird die Ähnlichkeit am besten, "
        "ein paar mehr lohnen sich also."
    ),
    "collection.great": "Das ist eine großartige Auswahl. Drück auf Start!",
    "collection.engine_away": (
        "Meine Maschine antwortet gerade nicht. Deine Fotos sind sicher; "
        "ich prüfe sie, sobald sie wieder da ist."
    ),
    "collection.started": Plural(
        "Ich trainiere mit deinem {n} Foto.", "Ich trainiere mit deinen {n} Fotos."
    ),
    "collection.closed": "Ich habe diese Fotos weggelegt und gelöscht. /train fängt neu an.",
    "collection.gone": (
        "Diese Fotos sind nicht mehr offen. Drück auf Trainieren und schick mir neue."
    ),
    "photos.opened": Plural(
        "Danke! Ich sammle ab jetzt Fotos für dein Modell, deines ist dabei.",
        "Danke! Ich sammle ab jetzt Fotos für dein Modell, deine {n} sind dabei.",
    ),
    "photos.too_many": Plural(
        "Das war eins mehr, als ich brauchen kann. Ich behalte bis zu {most}, {n} blieb draußen. "
        "Zum Tauschen entfern erst ein Foto.",
        "Das ist reichlich! Ich behalte bis zu {most}, {n} blieben draußen. "
        "Zum Tauschen entfern erst ein Foto.",
    ),
    "photos.repeated": Plural(
        "Dieses Foto habe ich schon. Schick mir ein anderes.",
        "{n} davon habe ich schon. Schick mir andere.",
    ),
    "photos.compressed": (
        "Ein Tipp: Diese Fotos kamen verkleinert an. Schick die nächsten als Datei, dann bleibt "
        "alles scharf: Büroklammer, dann Datei."
    ),
    "photos.none": (
        "Es kam kein Foto an. Schick es bitte noch einmal, als JPEG, PNG, WebP oder HEIC."
    ),
    "photo.check_failed": (
        "Foto {number}: Die Prüfung ist bei mir schiefgegangen. Schick es bitte noch einmal."
    ),
    "photo.no_access": (
        "Foto {number} lässt sich nicht öffnen: Ich darf die Datei nicht lesen. "
        "Ändere ihre Rechte und versuch es noch einmal."
    ),
    "photo.gone": "Foto {number} ist schon weg.",
    "upload.too_large": Plural(
        "Diese Datei ist größer als {limit} MB und erreicht mich nicht. "
        "Verkleinere sie und schick sie noch einmal.",
        "{n} Dateien sind größer als {limit} MB und erreichen mich nicht. "
        "Verkleinere sie und schick sie noch einmal.",
    ),
    "upload.too_large_as_file": Plural(
        "Diese Datei ist größer als {limit} MB und erreicht mich nicht. "
        "Schick sie als Foto oder verkleinere sie.",
        "{n} Dateien sind größer als {limit} MB und erreichen mich nicht. "
        "Schick sie als Fotos oder verkleinere sie.",
    ),
    "upload.too_large_somehow": Plural(
        "Diese Datei ist zu groß und erreicht mich nicht. "
        "Schick sie als Foto oder verkleinere sie.",
        "{n} Dateien sind zu groß und erreichen mich nicht. "
        "Schick sie als Fotos oder verkleinere sie.",
    ),
    "upload.not_an_image": Plural(
        "Diese Datei ist kein Bild. Schick Fotos als JPEG, PNG, WebP oder HEIC.",
        "{n} Dateien sind keine Bilder. Schick Fotos als JPEG, PNG, WebP oder HEIC.",
    ),
    "upload.download_failed": Plural(
        "Diese Datei ging auf dem Weg zu mir verloren. Schick sie bitte noch einmal.",
        "{n} Dateien gingen auf dem Weg zu mir verloren. Schick sie bitte noch einmal.",
    ),
    # why a photo is refused, and what to do
    "reason.unreadable": (
        "Foto {number} {problem}. Schick es bitte noch einmal als JPEG, PNG oder HEIC."
    ),
    "reason.too_large": "Foto {number} ist größer als {limit}. Schick eine kleinere Fassung.",
    "reason.low_resolution": (
        "Foto {number} ist zu klein: {width_px} × {height_px} Pixel, "
        "und ich brauche {min_side_px} an der kürzeren Seite. Schick das Original."
    ),
    "reason.no_face": (
        "Auf Foto {number} finde ich kein Gesicht. Schau zur Kamera, "
        "lass dein Gesicht frei und schick ein neues."
    ),
    "reason.several_faces": (
        "Auf Foto {number} sind {num_faces} Gesichter. "
        "Schick eines, auf dem nur du bist, oder schneide es zu."
    ),
    "reason.face_too_small": (
        "Auf Foto {number} ist dein Gesicht zu klein: {face_px} Pixel, "
        "und ich brauche {min_face_px}. Geh näher heran oder schick das Original."
    ),
    "reason.face_cut_off": (
        "Auf Foto {number} ist dein Gesicht {side} abgeschnitten. "
        "Schick eines mit deinem ganzen Kopf."
    ),
    "reason.blurry": (
        "Foto {number} ist unscharf. Halt das Handy ruhig, putz die Linse und schick ein neues."
    ),
    "reason.too_dark": (
        "Foto {number} ist zu dunkel. Dreh dich zum Fenster oder zur Lampe und schick ein neues."
    ),
    "reason.too_bright": (
        "Auf Foto {number} ist dein Gesicht überbelichtet. "
        "Geh aus dem harten Licht und schick ein neues."
    ),
    "reason.duplicate": "Foto {number} ist dasselbe wie Foto {of}. Schick ein anderes.",
    "reason.near_duplicate": (
        "Foto {number} ist fast dasselbe wie Foto {of}. "
        "Ändere Ort, Licht oder Blickrichtung und schick ein neues."
    ),
    "reason.not_the_same_person": (
        "Foto {number} zeigt wohl jemand anderen. Schick nur Fotos von einer Person."
    ),
    "problem.empty_file": "ist eine leere Datei",
    "problem.not_an_image": "ist kein Bild",
    "problem.truncated": "kam unvollständig an",
    "problem.unsupported": "hat ein Format, das ich nicht lesen kann",
    "problem.damaged": "ist beschädigt",
    "side.left": "am linken Rand",
    "side.right": "am rechten Rand",
    "side.top": "oben",
    "side.bottom": "unten",
    "size.mb": "{n} MB",
    "size.megapixels": "{n} Megapixel",
    # what would help
    "missing.more_photos": Plural(
        "Schick noch {n} gutes Foto, dann kannst du starten.",
        "Schick noch {n} gute Fotos, dann kannst du starten.",
    ),
    "missing.frontal": "ein Foto von vorn, mit Blick in die Kamera",
    "missing.three_quarter_left": "eines, auf dem dein Kopf zum linken Bildrand gedreht ist",
    "missing.three_quarter_right": "eines, auf dem dein Kopf zum rechten Bildrand gedreht ist",
    "missing.other_light": "eines in anderem Licht, draußen oder am Fenster",
    "missing.close_up": "eine Nahaufnahme von deinem Gesicht",
    "missing.farther_away": "eines von weiter weg, mit Schultern oder mehr",
    # removing photos
    "remove.pick": "Welches Foto soll ich entfernen? ✓ ist gut, ✗ ist nicht brauchbar.",
    "remove.none_left": "Das war das letzte. Schick mir neue Fotos.",
    "remove.done": "Foto {number} ist entfernt. Noch eines?",
    "over.ask": Plural(
        "Von vorn anfangen? Ich lösche dein {n} Foto, und du schickst neue.",
        "Von vorn anfangen? Ich lösche deine {n} Fotos, und du schickst neue.",
    ),
    "over.done": "Erledigt. Schick mir neue Fotos, wann immer du magst.",
    # starting a training
    "train.privately": "Ich habe dir privat geschrieben. Schick mir deine Fotos dort.",
    "chat.closed": (
        "Ich kann dir nicht privat schreiben. Erlaube in deinen Einstellungen zur Privatsphäre "
        "Direktnachrichten von diesem Server und frag noch einmal. "
        "Bis dahin können wir hier weitermachen, wo nur du es siehst."
    ),
    "chat.not_begun": (
        "Ich antworte privat, und du hast noch keinen Chat mit mir begonnen. "
        "Drück den Knopf, dann auf Start, und wir machen dort weiter."
    ),
    "group.answered_privately": "Ich habe dir privat geantwortet.",
    "train.running": (
        "Bitte ein Training nach dem anderen. Dieses hier ist deins:\n{standing}\n\n"
        "Ich melde mich, wenn es fertig ist. Du kannst warten, es abbrechen "
        "oder schon andere Fotos sammeln."
    ),
    "start.another_runs": (
        "Dein anderes Training ist zuerst dran:\n{standing}\n\n"
        "Diese Fotos bleiben hier. Drück danach noch einmal auf Start, oder brich das andere ab."
    ),
    "start.already": "Bin schon dabei, einmal drücken genügt.\n{standing}",
    "start.when_checked": Plural(
        "Verstanden! Ein Foto wird noch geprüft, dann fange ich von selbst an.",
        "Verstanden! {n} Fotos werden noch geprüft, dann fange ich von selbst an.",
    ),
    "start.too_few": Plural(
        "Fast! Ich brauche noch {n} gutes Foto, bevor ich anfangen kann.",
        "Noch nicht: Ich brauche noch {n} gute Fotos, bevor ich anfangen kann.",
    ),
    # orders
    "order.training": "Training von „{name}“",
    "order.training_unnamed": "Training",
    "order.headshots_unnamed": Plural("{n} Porträt · {style}", "{n} Porträts · {style}"),
    "order.headshots": Plural(
        "{n} Porträt · {style} · mit „{name}“", "{n} Porträts · {style} · mit „{name}“"
    ),
    "order.waiting": "Wartet auf einen freien Platz",
    "order.position": Plural("Als Nächstes dran", "Platz {n} in der Schlange"),
    "order.begun": "Gerade begonnen",
    "order.share": "{n} %",
    "order.cancelling": "Wird angehalten …",
    "order.told_when_ready": "Du kannst das Handy weglegen, ich melde mich, wenn es fertig ist.",
    "order.likeness": "Ähnlichkeit bisher: {likeness} %",
    "order.resumed": (
        "Es gab eine Unterbrechung. Ich habe dort weitergemacht, wo ich war, nichts ist verloren."
    ),
    "order.engine_away": (
        "Meine Maschine antwortet gerade nicht. "
        "Dein Auftrag ist sicher und geht weiter, sobald sie wieder da ist."
    ),
    "order.trained": "Das Training ist fertig.",
    "order.made": "Fertig. Deine Porträts sind hier drunter.",
    "order.failed": "Das wurde nicht fertig. Warum, steht hier drunter.",
    "phase.preparing": "Ich bereite deine Fotos vor …",
    "phase.loading": "Ich lade das Modell …",
    "phase.encoding": "Ich lese deine Fotos ein …",
    "phase.training": "Ich lerne dein Gesicht …",
    "phase.previewing": "Ich zeichne eine erste Vorschau …",
    "phase.saving": "Ich speichere …",
    "phase.generating": "Ich zeichne …",
    "time.under_a_minute": "noch weniger als eine Minute",
    "time.minutes": Plural("noch etwa eine Minute", "noch etwa {n} Minuten"),
    "time.minutes_range": "noch {least} bis {most} Minuten",
    "time.hours": Plural("noch etwa eine Stunde", "noch etwa {n} Stunden"),
    "time.hours_range": "noch {least} bis {most} Stunden",
    "time.in_hours": Plural("in höchstens einer Stunde", "in etwa {n} Stunden"),
    "time.date": "{day:02}.{month:02}.{year}",
    "spent.seconds": Plural("{n} Sekunde", "{n} Sekunden"),
    "spent.minutes": Plural("{n} Minute", "{n} Minuten"),
    "engine.away": (
        "Meine Maschine antwortet gerade nicht. Deine Fotos und Aufträge sind sicher, "
        "und ich mache von selbst weiter, sobald sie wieder da ist."
    ),
    "engine.back": "Meine Maschine ist wieder da, und ich mache mit deinem Auftrag weiter.",
    # status and cancel
    "status.title": "So steht es",
    "status.nothing": "Für dich läuft gerade nichts.",
    "status.collecting": Plural(
        "Du sammelst gerade Fotos: bisher {n} gutes.",
        "Du sammelst gerade Fotos: bisher {n} gute.",
    ),
    "status.models": Plural(
        "Dein Modell „{name}“ ist bereit.", "Du hast {n} Modelle. In Gebrauch: „{name}“."
    ),
    "cancel.question": "In Ordnung, ich habe alles so gelassen, wie es war.",
    "cancel.start": (
        "In Ordnung, ich fange nicht von selbst an. Drück auf Start, wenn du so weit bist."
    ),
    "cancel.stopping": "Ich halte an: {title}. Das dauert ein paar Sekunden.",
    "cancel.stopping_all": Plural("Ich halte {n} Auftrag an.", "Ich halte alle {n} Aufträge an."),
    "cancel.already": "Ich halte es schon an: {title}. Das dauert ein paar Sekunden.",
    "cancel.ended": "Das ist schon zu Ende. /status zeigt, was gerade läuft.",
    "cancel.which": "Was soll ich anhalten? /cancel all hält alles an.",
    "cancel.photos": Plural(
        "Es läuft nichts. Soll ich dein {n} gesammeltes Foto weglegen und löschen?",
        "Es läuft nichts. Soll ich deine {n} gesammelten Fotos weglegen und löschen?",
    ),
    "cancel.nothing": (
        "Es läuft nichts, also gibt es nichts anzuhalten. /help zeigt, was ich kann."
    ),
    "cancelled.training": (
        "Angehalten, wie du wolltest. "
        "Deine Fotos sind noch da: Mit dem Knopf trainiere ich noch einmal."
    ),
    "cancelled.headshots": "Angehalten, wie du wolltest. Dein Modell ist unberührt.",
    "cancelled.model_gone": "Angehalten, wie du wolltest.",
    # a model is ready
    "model.first_name": "Ich",
    "ready.title": "„{name}“ ist bereit!",
    "ready.spent": "Gelernt in {spent}.",
    "ready.likeness": "Ähnlichkeit: {likeness} %.",
    "ready.modest": (
        "Das ist noch nicht viel. "
        "Ein paar scharfe Fotos mehr, von verschiedenen Tagen, würden helfen."
    ),
    "ready.what_now": "Such dir den ersten Stil aus, und ich mache deine Porträts.",
    # headshots
    "headshot.pick": "Welchen Stil möchtest du mit „{name}“? Such dir eine Rubrik aus.",
    "headshot.no_model": (
        "Dein Gesicht kenne ich noch nicht. Drück auf Trainieren und schick mir deine Fotos, "
        "dann mache ich deine Porträts."
    ),
    "headshot.still_collecting": (
        "Fast! Erst muss dein Modell trainiert werden. Sieh dir deine Fotos an und drück auf Start."
    ),
    "headshot.when_ready": (
        "Dein Modell wird noch trainiert:\n{standing}\n\n"
        "Sobald es bereit ist, zeige ich dir Stile zur Auswahl."
    ),
    "headshot.unknown_model": "Du hast kein Modell namens „{wanted}“. /models zeigt deine.",
    "headshot.already": "Bin schon dabei.\n{standing}",
    "headshot.many_waiting": Plural(
        "{n} Auftrag von dir wartet noch. Lass mich den erst fertig machen.",
        "{n} Aufträge von dir warten noch. "
        "Lass mich erst einen fertig machen, oder brich einen ab.",
    ),
    "headshot.at_most": Plural(
        "Ich mache höchstens {most} auf einmal, also kommt jetzt {n}.",
        "Ich mache höchstens {most} auf einmal, also kommen jetzt {n}.",
    ),
    "headshot.what_is_left": Plural(
        "Du hast noch {n} Porträt frei, also mache ich das.",
        "Du hast noch {n} Porträts frei, also mache ich die.",
    ),
    "headshot.unknown_seed": (
        "An ein Bild mit Seed {seed} erinnere ich mich nicht. Sag mir auch seinen Stil, "
        "zum Beispiel: /headshot linkedin seed {seed}"
    ),
    "headshot.privately": "Deine Porträts schicke ich dir privat.",
    "headshots.title": Plural(
        "Dein Porträt · {style} · mit „{name}“", "Deine {n} Porträts · {style} · mit „{name}“"
    ),
    "headshots.title_unnamed": Plural("Dein Porträt · {style}", "Deine {n} Porträts · {style}"),
    "headshots.made_in": "Gemacht in {spent}.",
    "headshots.best_of": Plural(
        "Das beste von {drawn}, gemacht in {spent}.",
        "Die besten {n} von {drawn}, gemacht in {spent}.",
    ),
    "headshots.short.no_face": (
        "Ich erkenne auf keinem ein Gesicht und konnte deshalb nicht die besten für dich "
        "aussuchen. Bei einem kleinen Modell ist das normal. Bei einem großen drück auf „Noch "
        "einmal“ oder probier einen anderen Stil."
    ),
    "headshots.short.several_faces": (
        "Auf allen ist mehr als ein Gesicht. Drück auf „Noch einmal“ oder probier einen Stil mit "
        "ruhigem Hintergrund."
    ),
    "headshots.short.cut_off": (
        "Auf allen ist das Gesicht angeschnitten. Drück auf „Noch einmal“ oder probier einen "
        "anderen Stil."
    ),
    "headshots.short.unlike": (
        "Ehrlich gesagt sieht dir keines ähnlich genug. Drück auf „Mehr wie ich“ oder auf "
        "„Nachtrainieren“ und nimm weitere Fotos dazu: andere Blickrichtung, anderes Licht."
    ),
    "headshots.short.blurry": (
        "Keines ist richtig scharf geworden. Drück auf „Noch einmal“ oder probier einen anderen "
        "Stil."
    ),
    "headshots.short.eyes_closed": (
        "Auf allen sind die Augen zu. Drück auf „Noch einmal“, dann kommen neue."
    ),
    "headshots.what_now": (
        "Noch nicht ganz du? Drück auf „Mehr wie ich“. "
        "Für anderswo nimm „Volle Größe“, für runde Rahmen „Profilbilder“."
    ),
    "headshots.caption": "{number} · Seed {seed}",
    "headshots.caption_likeness": "{number} · Seed {seed} · Ähnlichkeit {likeness} %",
    "headshots.gone": (
        "Diese Porträts finde ich nicht. Vielleicht sind sie gelöscht, oder sie gehören nicht dir."
    ),
    "headshots.delete": Plural(
        "Dieses Porträt endgültig löschen?", "Diese {n} Porträts endgültig löschen?"
    ),
    "headshots.deleted": Plural(
        "Das Porträt ist bei mir gelöscht. Was im Chat steht, gehört dir: lösch es, wie du magst.",
        "Alle {n} Porträts sind bei mir gelöscht. "
        "Was im Chat steht, gehört dir: lösch es, wie du magst.",
    ),
    "headshots.full_size": Plural(
        "Hier ist dein Porträt in voller Größe. Speichere diese Datei und nicht die Vorschau: sie "
        "ist am schärfsten und trägt den signierten Vermerk, dass eine KI sie gemacht hat.",
        "Hier sind deine {n} Porträts in voller Größe. Speichere diese Dateien und nicht die "
        "Vorschau: sie sind am schärfsten und tragen den signierten Vermerk, dass eine KI sie "
        "gemacht hat.",
    ),
    "headshots.packing": "Ich suche deine Dateien zusammen.",
    "headshots.profiles": Plural(
        "Hier ist dein Profilbild, so geschnitten, dass dein ganzer Kopf in einen runden Rahmen "
        "passt.",
        "Hier sind deine {n} Profilbilder, so geschnitten, dass dein ganzer Kopf in einen runden "
        "Rahmen passt.",
    ),
    "headshots.no_profiles": (
        "Als ich diese Porträts gemacht habe, konnte ich noch keine Profilbilder schneiden. "
        "Drück darunter auf „Noch einmal“, dann geht es bei den neuen."
    ),
    "headshots.packed": Plural(
        "Hier ist dein Porträt in einem ZIP: in voller Größe, fürs Profil und für andere Formate "
        "geschnitten, dazu ein Kontaktbogen.",
        "Hier sind deine {n} Porträts in einem ZIP: in voller Größe, fürs Profil und für andere "
        "Formate geschnitten, dazu ein Kontaktbogen.",
    ),
    "headshots.shared": Plural("Ein Porträt · {style}", "{n} Porträts · {style}"),
    "headshots.none_to_share": (
        "Du hast noch keine Porträts. Mach erst welche, dann kannst du sie hier teilen."
    ),
    "headshots.share_where": (
        "Hier sind nur wir zwei. Schick /share dort, wo du sie zeigen willst."
    ),
    "headshots.strongest": (
        "Mehr „du“ geht nicht hinein. "
        "Für mehr Ähnlichkeit trainiere mit ein paar weiteren Fotos nach."
    ),
    "background.grey_studio": "graues Studio",
    "background.white_studio": "weißes Studio",
    "background.blue_studio": "blaues Studio",
    "background.dark_studio": "dunkles Studio",
    "background.office": "Büro",
    "background.library": "Bibliothek",
    "background.home": "Zuhause",
    "background.cafe": "Café",
    "background.brick_wall": "Backsteinwand",
    "background.city": "Stadt",
    "background.evening_city": "Stadt am Abend",
    "background.stage": "Bühne",
    "background.park": "Park",
    "background.mountains": "Berge",
    "background.beach": "Strand",
    "background.laboratory": "Labor",
    "garment.suit": "Anzug",
    "garment.suit_with_tie": "Anzug mit Krawatte",
    "garment.blazer": "Blazer",
    "garment.shirt": "Hemd",
    "garment.blouse": "Bluse",
    "garment.dress": "Kleid",
    "garment.sweater": "Pullover",
    "garment.turtleneck": "Rollkragenpullover",
    "garment.t_shirt": "T-Shirt",
    "garment.polo_shirt": "Poloshirt",
    "garment.hoodie": "Hoodie",
    "garment.denim_jacket": "Jeansjacke",
    "garment.leather_jacket": "Lederjacke",
    "garment.lab_coat": "Kittel",
    "garment.scrubs": "Kasack",
    "wardrobe.coloured": "{garment} in {colour}",
    "colour.black": "Schwarz",
    "colour.charcoal": "Anthrazit",
    "colour.grey": "Grau",
    "colour.white": "Weiß",
    "colour.navy": "Dunkelblau",
    "colour.blue": "Blau",
    "colour.light_blue": "Hellblau",
    "colour.red": "Rot",
    "colour.burgundy": "Weinrot",
    "colour.green": "Grün",
    "colour.olive": "Oliv",
    "colour.teal": "Petrol",
    "colour.yellow": "Gelb",
    "colour.orange": "Orange",
    "colour.pink": "Rosa",
    "colour.purple": "Lila",
    "colour.beige": "Beige",
    "colour.brown": "Braun",
    "headshot.unknown_background": (
        "Den Hintergrund „{wanted}“ habe ich nicht. Such dir einen davon aus: {known}.\n\n"
        "Zum Beispiel: /headshot {style} hintergrund: {first}"
    ),
    "headshot.unknown_clothes": (
        "Die Kleidung „{wanted}“ kenne ich nicht. Such dir etwas davon aus, gern mit Farbe: "
        "{known}.\n\nZum Beispiel: /headshot {style} kleidung: {first} in {colour}"
    ),
    "headshot.pick_background": (
        "Was soll hinter dir sein? Drück auf eins davon, und ich mache sie neu."
    ),
    "headshot.pick_clothes": (
        "Was sollst du tragen? Drück auf etwas davon, und ich mache sie neu. Eine Farbe schreibst "
        "du dazu: /headshot linkedin kleidung: roter Pullover"
    ),
    "headshot.no_free_prompt": (
        "Eigene Prompts sind hier ausgeschaltet. Such dir einen Stil aus; Hintergrund und "
        "Kleidung kannst du dabei auch wählen."
    ),
    "category.business": "Business",
    "category.legal": "Recht",
    "category.founder": "Gründung",
    "category.studio": "Studio",
    "category.black_and_white": "Schwarzweiß",
    "category.speaker": "Auf der Bühne",
    "category.academic": "Bildung",
    "category.medical": "Gesundheit",
    "category.at_work": "Im Beruf",
    "category.outdoor": "Draußen",
    "category.creative": "Kreativ",
    "category.actor": "Schauspiel",
    "category.dating": "Dating",
    "category.festive": "Festlich",
    "styles.title": Plural("{n} Stil", "{n} Stile"),
    "styles.overview": "Such dir eine Rubrik aus, dann zeige ich dir ihre Stile.",
    "styles.category": (
        "Drück auf einen Stil, und ich mache ihn. Oder sag mir mehr: "
        "/headshot {style} hintergrund: Büro kleidung: Hemd in Weiß"
    ),
    "styles.unknown": "Diesen Stil habe ich nicht. Das sind alle, die ich habe:",
    "styles.did_you_mean": "„{wanted}“ habe ich nicht. Meinst du {titles}?",
    "list.or": " oder ",
    # models
    "models.none": "Du hast noch kein Modell. Drück auf Trainieren und schick mir deine Fotos.",
    "models.title": Plural("Dein Modell", "Deine {n} Modelle"),
    "models.list": (
        "Drück auf eines, um es zu benutzen, umzubenennen, nachzutrainieren oder zu löschen."
    ),
    "model.training": "wird trainiert",
    "model.ready": "bereit",
    "model.failed": "nicht fertig geworden",
    "model.in_use": "in Gebrauch",
    "model.created": Plural("mit {n} Foto, {date}", "mit {n} Fotos, {date}"),
    "model.imported": "importiert, {date}",
    "model.likeness": "Ähnlichkeit {likeness} %",
    "model.gone": (
        "Dieses Modell finde ich nicht. Vielleicht ist es gelöscht, oder es gehört nicht dir. "
        "/models zeigt deine."
    ),
    "model.delete": (
        "„{name}“ endgültig löschen? Die Porträts bleiben. "
        "Um es wiederzuhaben, müsstest du neu trainieren."
    ),
    "model.deleted": "„{name}“ ist gelöscht.",
    "choose.done": "Ab jetzt nehme ich „{name}“.",
    "choose.training": (
        "„{name}“ wird noch trainiert. Du kannst es benutzen, sobald es bereit ist."
    ),
    "choose.failed": (
        "„{name}“ ist nie fertig geworden. Trainiere es erst nach, deine Fotos sind noch da."
    ),
    "rename.ask": "Wie soll „{name}“ heißen? Schreib einen Namen mit bis zu {most} Zeichen.",
    "rename.empty": (
        "Ein Zeichen brauche ich mindestens. Wie soll „{name}“ heißen? Bis zu {most} Zeichen."
    ),
    "rename.too_long": (
        "Das sind {n} Zeichen, {most} passen. Schreib einen kürzeren Namen oder /cancel."
    ),
    "rename.taken": (
        "Ein Modell namens „{name}“ hast du schon. Schreib einen anderen Namen oder /cancel."
    ),
    "rename.done": "Erledigt. Es heißt jetzt „{name}“.",
    "retrain.other_photos": (
        "Du sammelst noch Fotos für ein anderes Modell. Mach die erst fertig, oder leg sie weg."
    ),
    # failures: what happened and what to do
    "failed.title": "Das hat nicht geklappt: {title}",
    "failed.training": "Es ist nichts verloren: Deine Fotos sind noch da.",
    "failed.headshots": (
        "Es ist nichts verloren: Dein Modell und deine früheren Porträts sind sicher."
    ),
    "failed.error": "Für dich als Admin: {error}. Mehr steht im Protokoll der Maschine.",
    "failure.too_few_photos": (
        "Am Ende waren nur {num_photos} Fotos gut genug, und ich brauche {min_photos}. "
        "Schick noch ein paar und starte noch einmal."
    ),
    "failure.photo_missing": (
        "Foto {number} war nicht mehr da, als ich es brauchte. "
        "Versuch es noch einmal, und schick es neu, wenn ich danach frage."
    ),
    "failure.lora_missing": "Die Dateien dieses Modells sind weg. Bitte trainiere es neu.",
    "failure.lora_incompatible": (
        "Dieses Modell ist für {lora_base} gemacht, und ich arbeite jetzt mit {base}. "
        "Bitte trainiere es neu."
    ),
    "failure.base_missing": (
        "Das Grundmodell {base} ist auf diesem Rechner nicht eingerichtet. "
        "Sag bitte dem Admin dieses Bots Bescheid; „headshot-bot doctor“ zeigt, was zu tun ist."
    ),
    "failure.base_incomplete": (
        "Das Grundmodell {base} ist unvollständig: {part} fehlt. "
        "Sag bitte dem Admin dieses Bots Bescheid; „headshot-bot doctor“ zeigt, was zu tun ist."
    ),
    "failure.gpu_out_of_memory": (
        "Die Grafikkarte ist zu voll: {needed_gb} GB nötig, {free_gb} GB frei. "
        "Versuch es in ein paar Minuten noch einmal. "
        "Wenn es wieder passiert, sag dem Admin dieses Bots Bescheid."
    ),
    "failure.gpu_failed": (
        "Die Grafikkarte hat sich verschluckt, ich habe sie neu gestartet. "
        "Versuch es bitte noch einmal."
    ),
    "failure.disk_full": (
        "Die Festplatte dieses Rechners ist voll. Sag bitte dem Admin dieses Bots Bescheid, "
        "und versuch es noch einmal, wenn wieder Platz ist."
    ),
    "failure.storage_unreachable": (
        "Ich kam nicht an den Ort, an dem die Bilder liegen. "
        "Versuch es bitte in ein paar Minuten noch einmal."
    ),
    "failure.engine_crashed": (
        "Die Maschine ist dabei {num_crashes}-mal ausgefallen, da habe ich aufgehört. "
        "Versuch es später noch einmal. "
        "Wenn es wieder passiert, sag dem Admin dieses Bots Bescheid."
    ),
    "failure.version_not_supported": (
        "Meine Maschine spricht Version {supported}, dieser Auftrag ist Version {version}. "
        "Bitte den Admin dieses Bots, beide Teile auf denselben Stand zu bringen."
    ),
    "failure.job_invalid": (
        "Dieser Auftrag kam verstümmelt an. Versuch es bitte noch einmal. "
        "Wenn es wieder passiert, sag dem Admin dieses Bots Bescheid."
    ),
    "failure.internal": (
        "Bei mir ist etwas Unerwartetes schiefgegangen. Versuch es bitte noch einmal. "
        "Wenn es wieder passiert, sag dem Admin dieses Bots Bescheid."
    ),
    # privacy
    "privacy.title": "Deine Fotos gehören dir",
    "privacy.text": (
        "Ich nehme deine Fotos nur, um deine Porträts zu machen. Geprüft, trainiert und gezeichnet "
        "wird auf den Rechnern des Admins dieses Bots; kein Foto geht an andere. "
        "In den Bilddateien deiner Porträts steht, dass sie mit KI gemacht sind."
    ),
    "privacy.kept": "Das habe ich von dir:",
    "privacy.photos_kept": Plural(
        "Fotos werden nach {n} Tag gelöscht.", "Fotos werden nach {n} Tagen gelöscht."
    ),
    "privacy.photos_kept_until_asked": "Fotos bleiben, bis du sie löschst.",
    "privacy.headshots_kept": Plural(
        "Porträts werden nach {n} Tag gelöscht.", "Porträts werden nach {n} Tagen gelöscht."
    ),
    "privacy.headshots_kept_until_asked": "Porträts bleiben, bis du sie löschst.",
    "privacy.yours": (
        "Du kannst jederzeit eine Kopie von allem bekommen oder alles löschen lassen."
    ),
    "kept.photos": Plural("{n} Foto", "{n} Fotos"),
    "kept.models": Plural("{n} Modell", "{n} Modelle"),
    "kept.headshots": Plural("{n} Porträt", "{n} Porträts"),
    "forget.title": "Alles löschen?",
    "forget.ask": (
        "Ich halte an, was läuft, und lösche das alles, mit allem, was daraus gemacht wurde. "
        "Es lässt sich nicht zurückholen. Soll ich?"
    ),
    "forget.kept": "In Ordnung, ich habe alles behalten. /forget fragt noch einmal.",
    "forget.erasing": "Ich lösche jetzt alles und melde mich, wenn es weg ist.",
    "erased.title": "Alles ist gelöscht",
    "erased.files": Plural("{n} Datei wurde gelöscht.", "{n} Dateien wurden gelöscht."),
    "erased.receipt": "Beleg: {receipt}",
    "erased.text": (
        "Ich kenne dich nicht mehr. Die Nachrichten in diesem Chat kannst du selbst löschen. "
        "Wenn du einmal wiederkommst: /start fängt neu an."
    ),
    "export.nothing": "Ich habe nichts von dir, das ich kopieren könnte. /train fängt an.",
    "export.begun": "Ich packe alles zusammen und schicke es dir gleich.",
    "export.ready": (
        "Hier ist alles, was ich von dir habe. Kommt es in Teilen (.001, .002, …), speichere sie "
        "in einem Ordner und öffne den ersten mit einem Entpacker wie 7-Zip oder Keka."
    ),
    # settings
    "settings.title": "Sprache",
    "settings.chosen": "Ich spreche {language}, wie du es gewählt hast. Hier kannst du wechseln:",
    "settings.automatic": "Ich spreche {language}, wie deine App. Hier kannst du wechseln:",
    "settings.done": "In Ordnung, ich spreche jetzt {language}.",
    # Befehle und Formulare
    "slash.train": "trainieren",
    "slash.headshot": "porträt",
    "slash.styles": "stile",
    "slash.share": "teilen",
    "slash.status": "status",
    "slash.models": "modelle",
    "slash.cancel": "abbrechen",
    "slash.privacy": "datenschutz",
    "slash.forget": "vergessen",
    "slash.settings": "einstellungen",
    "slash.help": "hilfe",
    "slash.admin": "admin",
    "slash.train_with": "Mit diesen Fotos trainieren",
    "option_name.photo": "foto_{n}",
    "option_name.quality": "qualität",
    "option_name.style": "stil",
    "option_name.count": "anzahl",
    "option_name.orientation": "format",
    "option_name.model": "modell",
    "option_name.language": "sprache",
    "option_name.action": "aktion",
    "option_name.person": "person",
    "option_name.headshots": "porträts",
    "option_name.trainings": "trainings",
    "option.photo": "Foto {n} von dir; später können mehr folgen",
    "option.quality": "wie lange trainiert wird",
    "option.style": "fang an zu tippen, oder lass es weg und sieh dich um",
    "option.count": "wie viele",
    "option.orientation": "hochkant oder quadratisch",
    "option.model": "der Name eines deiner Modelle",
    "option.language": "in welcher Sprache ich mit dir spreche",
    "option.action": "was zu tun ist; ohne Angabe die Zahlen",
    "option.person": "um wen es geht",
    "option.headshots": "Porträts am Tag, für Grenzen",
    "option.trainings": "Trainings am Tag, für Grenzen",
    "option_name.background": "hintergrund",
    "option.background": "ein anderer als der des Stils",
    "option_name.clothes": "kleidung",
    "option.clothes": "andere als die des Stils, etwa blauer Anzug",
    "option_name.rename": "umbenennen",
    "option.rename": "der neue Name",
    "quality.fast": "schnell",
    "quality.standard": "normal",
    "quality.best": "am besten, dauert am längsten",
    "aspect.portrait": "hochkant",
    "aspect.square": "quadratisch",
    "admin_do.stats": "Zahlen",
    "admin_do.pause": "neue Aufträge anhalten",
    "admin_do.resume": "neue Aufträge wieder zulassen",
    "admin_do.ban": "jemanden sperren",
    "admin_do.allow": "jemanden wieder zulassen",
    "admin_do.quota": "Grenzen für jemanden",
    "form.title": "Fotos von dir",
    "form.hint": (
        "Nur du, scharf, von verschiedenen Seiten und in verschiedenem Licht. "
        "Du kannst danach weitere schicken, sooft du willst."
    ),
    "form.photos": "Ein bis zehn Fotos",
    "form.rename": "Ein neuer Name",
    "form.name": "Wie soll es heißen?",
    "form.not_yours": (
        "Diese Fotos sind von jemand anderem. Ich trainiere nur mit deinen eigenen Nachrichten."
    ),
    "form.fault": "Bei mir ist etwas schiefgegangen. Versuch es bitte gleich noch einmal.",
    # admin
    "admin.not_you": (
        "Das ist für die Admins dieses Bots. /help zeigt, was ich für dich tun kann."
    ),
    "admin.title": "Dieser Bot",
    "admin.no_stats": "Es gibt noch keine Zahlen.",
    "admin.stats": (
        "Leute: {num_people}\n"
        "Modelle: {num_models}\n"
        "Porträts: {num_headshots}\n"
        "Wartend: {num_queued}\n"
        "Laufend: {num_running}\n"
        "Heute gescheitert: {num_failed_today}\n"
        "Maschinen: {num_engines}"
    ),
    "admin.disk": "Freier Speicherplatz: {free} GB",
    "admin.whom": "Wen meinst du? Zum Beispiel: /admin ban discord:1234",
    "admin.nobody": "„{wanted}“ kenne ich nicht: So jemand hat noch nicht mit mir gesprochen.",
    "admin.banned": "{name} kann nichts Neues mehr bestellen.",
    "admin.allowed": "{name} darf wieder bestellen.",
    "admin.as_all": "wie für alle",
    "admin.quota": "{name}, jeden Tag: Porträts {headshots}, Trainings {trainings}.",
    "admin.paused": "Pause. Laufendes wird fertig, Neues wartet. /admin resume macht weiter.",
    "admin.resumed": "Neue Aufträge sind wieder willkommen.",
    # buttons
    "button.open_chat": "Unseren Chat öffnen",
    "button.train": "Trainieren",
    "button.headshot": "Porträts",
    "button.styles": "Stile",
    "button.status": "Status",
    "button.models": "Modelle",
    "button.privacy": "Datenschutz",
    "button.help": "Hilfe",
    "button.start_training": "Training starten",
    "button.collect_anyway": "Andere Fotos sammeln",
    "button.add_photos": "Fotos hinzufügen",
    "button.remove_photo": "Foto entfernen",
    "button.start_over": "Von vorn",
    "button.clear": "Löschen und von vorn",
    "button.give_up_photos": "Fotos weglegen",
    "button.show_photos": "Meine Fotos zeigen",
    "button.back": "Zurück",
    "button.more": "Mehr",
    "button.keep": "Nein, behalten",
    "button.cancel_order": "Abbrechen",
    "button.all_styles": "Alle Stile",
    "button.all_models": "Alle Modelle",
    "button.again": "Noch einmal",
    "button.more_like_me": "Mehr wie ich",
    "button.background": "Hintergrund",
    "button.clothes": "Kleidung",
    "button.other_style": "Anderer Stil",
    "button.full_size": "Volle Größe",
    "button.profiles": "Profilbilder",
    "button.zip": "Alles als ZIP",
    "button.share": "Hier teilen",
    "button.delete": "Löschen",
    "button.try_again": "Noch einmal versuchen",
    "button.try_training_again": "Noch einmal trainieren",
    "button.use_model": "Dieses nehmen",
    "button.rename": "Umbenennen",
    "button.retrain": "Nachtrainieren",
    "button.export": "Kopie schicken",
    "button.forget": "Alles löschen",
    "button.forget_surely": "Ja, alles löschen",
    "button.language": "{name}",
    "button.language_auto": "Wie meine App",
    "button.pause": "Neue Aufträge anhalten",
    "button.resume": "Neue Aufträge zulassen",
}
