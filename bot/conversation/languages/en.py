"""English. Short, warm, concrete; each answer says what to do next."""

from bot.conversation.languages.catalogue import Catalogue, Plural

PHRASES: Catalogue = {
    # the first words
    "start.welcome.title": "Hello! I make headshots that look like you.",
    "start.welcome": (
        "1. Send me {few} to {many} photos of yourself. I check each one at once.\n"
        "2. Press Start. I learn your face.\n"
        "3. Pick a style, and I make your headshots.\n\n"
        "Everything stays on the machine that runs this bot, and you can erase it at any time."
    ),
    "start.back": "Welcome back! “{name}” is ready. Shall we make some headshots?",
    "help.title": "What I can do",
    "help.text": "Send me photos of yourself to train a model, then ask for headshots.",
    "help.end": (
        "An example: /headshot linkedin 4\n"
        "You can also send photos at any time; I know what to do with them."
    ),
    "help.end_among_others": (
        "An example: /headshot linkedin 4\n"
        "Photos belong in our private chat, where only you see them."
    ),
    "command.train": "teach me your face with your photos",
    "command.headshot": "make headshots in a style you like",
    "command.styles": "look at all styles",
    "command.share": "show your headshots in a group or channel",
    "command.status": "what is running and how long it takes",
    "command.models": "choose, rename, retrain or delete your models",
    "command.cancel": "stop what is running",
    "command.privacy": "what I keep, and a copy of it for you",
    "command.forget": "erase everything I have of you",
    "command.settings": "choose your language",
    "command.help": "this overview",
    "command.start": "say hello",
    "command.admin": "figures, a pause, limits and bans, for admins",
    # what was not understood
    "unknown.command": "I don't know “{wanted}”. Here is what I can do: /help",
    "unknown.did_you_mean": "I don't know “{wanted}”. Did you mean /{near}?",
    "unknown.button": "That button is from an older version of me. /help shows what I can do now.",
    "said.lost": "I work with photos. Send me some of yourself, or press Train to see how.",
    "said.lost_with_model": (
        "I didn't understand that. For headshots press the button, or try /headshot linkedin."
    ),
    "said.while_collecting": (
        "I'm waiting for photos. Send some more, or use the buttons under your photos. "
        "/train shows them again, /cancel stops."
    ),
    "said.style": "{style} is one of my styles. Shall I make it with “{name}”?",
    "question.kept": "All right, nothing was changed.",
    # who may, and when
    "access.banned": (
        "You can't order anything new here. "
        "/privacy and /forget still work for you. Questions? Ask the admin of this bot."
    ),
    "access.not_invited": (
        "This bot is by invitation. Ask its admin to add you, then send /start again."
    ),
    "access.paused": "I'm taking a short break for maintenance. Please try again a little later.",
    "quota.headshots_left": Plural("{n} headshot", "{n} headshots"),
    "quota.trainings_left": Plural("{n} training", "{n} trainings"),
    "quota.left": "Left for you: {parts}.",
    "quota.left_until": "Left for you: {parts}. More {when}.",
    "quota.headshots": "You have used up your headshots. Ask the admin of this bot for more.",
    "quota.headshots_until": "You have used up your headshots for now. There are more {when}.",
    "quota.trainings": (
        "You have used up your trainings. Ask the admin for more, "
        "or make headshots with the model you have."
    ),
    "quota.trainings_until": (
        "You have used up your trainings for now. There are more {when}. "
        "Your photos stay here until then."
    ),
    "quota.models": Plural(
        "I keep one model for you, and you have it. Delete it with /models, then start again. "
        "Photos you have sent stay here.",
        "You have {n} models, and I keep no more for one person. Delete one with /models, "
        "then start again. Photos you have sent stay here.",
    ),
    # collecting photos
    "collection.empty.title": "Send me your photos",
    "collection.empty": (
        "{few} to {many} photos of you are best, {least} good ones are enough to start. "
        "Send them one by one or all at once.\n\n"
        "Good photos:\n"
        "• only you, face sharp and fully in the picture\n"
        "• different days, places and clothes\n"
        "• from the front and from both sides, close and from farther away\n"
        "• no sunglasses, no filters"
    ),
    "collection.refreshes": "These photos are for “{name}”. Add more for a better likeness.",
    "collection.title_of_least": "Your photos: {accepted} of {least} good ones",
    "collection.title": Plural("Your photos: {n} good one", "Your photos: {n} good ones"),
    "collection.pending": Plural(
        "I'm looking at {n} more photo …", "I'm looking at {n} more photos …"
    ),
    "collection.refused": Plural("One photo I can't use:", "{n} photos I can't use:"),
    "collection.refused_more": Plural("• and {n} more", "• and {n} more"),
    "collection.advice": "What would help most:",
    "collection.starts_when_checked": "I start by myself as soon as the checks are done.",
    "collection.enough_once_checked": "That's enough to start. One moment, I finish looking first.",
    "collection.full": "That's as many as I can use. Press Start!",
    "collection.enough": (
        "You can start now. {few} to {many} photos give the best likeness, "
        "so a few more are worth it."
    ),
    "collection.great": "That's a great set. Press Start!",
    "collection.engine_away": (
        "My engine is not answering right now. Your photos are safe; "
        "I check them as soon as it is back."
    ),
    "collection.started": Plural(
        "I'm training with your {n} photo.", "I'm training with your {n} photos."
    ),
    "collection.closed": "I put these photos away and deleted them. /train begins anew.",
    "collection.gone": "These photos are not open any more. Press Train to begin with new ones.",
    "photos.opened": Plural(
        "Thank you! I opened a collection for your model and put your photo in.",
        "Thank you! I opened a collection for your model and put your {n} photos in.",
    ),
    "photos.too_many": Plural(
        "That was one more than I can use. I keep up to {most} and left {n} out. "
        "To swap, remove a photo first.",
        "That's plenty! I keep up to {most} and left {n} out. To swap, remove a photo first.",
    ),
    "photos.repeated": Plural(
        "I already have that photo. Send a different one.",
        "I already have {n} of these. Send different ones.",
    ),
    "photos.compressed": (
        "A tip: these came compressed. Send the next ones as files, and they keep every detail: "
        "the paperclip, then File."
    ),
    "photos.none": "No photo arrived. Please send it again, as JPEG, PNG, WebP or HEIC.",
    "photo.check_failed": "Photo {number}: the check failed on my side. Please send it again.",
    "photo.no_access": (
        "Photo {number} can't be opened: I am not allowed to read the file. "
        "Change its permissions and try again."
    ),
    "photo.gone": "Photo {number} is already gone.",
    "upload.too_large": Plural(
        "That file is larger than {limit} MB, so it can't reach me. "
        "Make it smaller and send it again.",
        "{n} files are larger than {limit} MB, so they can't reach me. "
        "Make them smaller and send them again.",
    ),
    "upload.too_large_as_file": Plural(
        "That file is larger than {limit} MB, so it can't reach me. "
        "Send it as a photo instead, or make it smaller.",
        "{n} files are larger than {limit} MB, so they can't reach me. "
        "Send them as photos instead, or make them smaller.",
    ),
    "upload.too_large_somehow": Plural(
        "That file is too large to reach me. Send it as a photo instead, or make it smaller.",
        "{n} files are too large to reach me. Send them as photos instead, or make them smaller.",
    ),
    "upload.not_an_image": Plural(
        "That file is not a picture. Send photos as JPEG, PNG, WebP or HEIC.",
        "{n} files are not pictures. Send photos as JPEG, PNG, WebP or HEIC.",
    ),
    "upload.download_failed": Plural(
        "That file got lost on the way to me. Please send it again.",
        "{n} files got lost on the way to me. Please send them again.",
    ),
    # why a photo is refused, and what to do
    "reason.unreadable": "Photo {number} {problem}. Please send it again as JPEG, PNG or HEIC.",
    "reason.too_large": "Photo {number} is larger than {limit}. Send a smaller version.",
    "reason.low_resolution": (
        "Photo {number} is too small: {width_px} × {height_px} pixels, "
        "and I need {min_side_px} on the shorter side. Send the original."
    ),
    "reason.no_face": (
        "I find no face in photo {number}. Look towards the camera, "
        "with nothing covering your face, and send another."
    ),
    "reason.several_faces": (
        "Photo {number} shows {num_faces} faces. Send one with only you in it, or crop it."
    ),
    "reason.face_too_small": (
        "Your face is too small in photo {number}: {face_px} pixels, and I need {min_face_px}. "
        "Come closer or send the original."
    ),
    "reason.face_cut_off": (
        "Your face is cut off at the {side} in photo {number}. Send one with your whole head in it."
    ),
    "reason.blurry": (
        "Photo {number} is blurred. Hold the phone still, clean the lens and send another."
    ),
    "reason.too_dark": "Photo {number} is too dark. Face a window or a lamp and send another.",
    "reason.too_bright": (
        "Your face is overexposed in photo {number}. Step out of the hard light and send another."
    ),
    "reason.duplicate": "Photo {number} is the same as photo {of}. Send a different one.",
    "reason.near_duplicate": (
        "Photo {number} is almost the same as photo {of}. "
        "Change the place, the light or the angle and send another."
    ),
    "reason.not_the_same_person": (
        "Photo {number} seems to show somebody else. Send photos of the same person only."
    ),
    "problem.empty_file": "is an empty file",
    "problem.not_an_image": "is not a picture",
    "problem.truncated": "arrived incomplete",
    "problem.unsupported": "is of a kind that I can't read",
    "problem.damaged": "is damaged",
    "side.left": "left edge",
    "side.right": "right edge",
    "side.top": "top",
    "side.bottom": "bottom",
    "size.mb": "{n} MB",
    "size.megapixels": "{n} megapixels",
    # what would help
    "missing.more_photos": Plural(
        "Send {n} more good photo, then you can start.",
        "Send {n} more good photos, then you can start.",
    ),
    "missing.frontal": "a photo from the front, looking straight into the camera",
    "missing.three_quarter_left": "one with your head turned towards the left of the picture",
    "missing.three_quarter_right": "one with your head turned towards the right of the picture",
    "missing.other_light": "one in a different light, outdoors or by a window",
    "missing.close_up": "a close-up of your face",
    "missing.farther_away": "one from farther away, showing your shoulders or more",
    # removing photos
    "remove.pick": "Which photo shall I remove? ✓ is good, ✗ can't be used.",
    "remove.none_left": "That was the last one. Send me new photos.",
    "remove.done": "Photo {number} is removed. Another one?",
    "over.ask": Plural(
        "Start over? I delete your {n} photo and you send new ones.",
        "Start over? I delete your {n} photos and you send new ones.",
    ),
    "over.done": "Done. Send me new photos whenever you like.",
    # starting a training
    "train.privately": "I've written to you privately. Send me your photos there.",
    "chat.closed": (
        "I can't write to you privately. Allow direct messages from this server in your privacy "
        "settings and ask again. Until then we can go on here, where only you see it."
    ),
    "chat.not_begun": (
        "I answer privately, and you have not opened a chat with me yet. "
        "Press the button, then Start, and we go on there."
    ),
    "group.answered_privately": "I've answered you privately.",
    "train.running": (
        "One training at a time, please. This one is yours:\n{standing}\n\n"
        "I tell you when it's ready. You can wait, cancel it, or already collect other photos."
    ),
    "start.another_runs": (
        "Your other training goes first:\n{standing}\n\n"
        "These photos stay here. Press Start again when it is done, or cancel the other one."
    ),
    "start.already": "Already on it, once is enough.\n{standing}",
    "start.when_checked": Plural(
        "Got it! One photo is still being checked, then I start by myself.",
        "Got it! {n} photos are still being checked, then I start by myself.",
    ),
    "start.too_few": Plural(
        "Almost! I need {n} more good photo before I can start.",
        "Not yet: I need {n} more good photos before I can start.",
    ),
    # orders
    "order.training": "Training “{name}”",
    "order.training_unnamed": "Training",
    "order.headshots_unnamed": Plural("{n} headshot · {style}", "{n} headshots · {style}"),
    "order.headshots": Plural(
        "{n} headshot · {style} · with “{name}”", "{n} headshots · {style} · with “{name}”"
    ),
    "order.waiting": "Waiting for a free place",
    "order.position": Plural("Next in line", "Number {n} in line"),
    "order.begun": "Just begun",
    "order.share": "{n} %",
    "order.cancelling": "Stopping …",
    "order.told_when_ready": "You can put the phone away, I tell you when it's done.",
    "order.likeness": "Likeness so far: {likeness} %",
    "order.resumed": "There was an interruption. I went on where I stopped, nothing is lost.",
    "order.engine_away": (
        "My engine is not answering right now. Your order is safe and goes on when it is back."
    ),
    "order.trained": "Training is done.",
    "order.made": "Done. Your headshots are below.",
    "order.failed": "This stopped before it was done. The reason is below.",
    "phase.preparing": "Getting your photos ready …",
    "phase.loading": "Loading the model …",
    "phase.encoding": "Reading your photos …",
    "phase.training": "Learning your face …",
    "phase.previewing": "Drawing a first preview …",
    "phase.saving": "Saving …",
    "phase.generating": "Drawing …",
    "time.under_a_minute": "less than a minute left",
    "time.minutes": Plural("about a minute left", "about {n} minutes left"),
    "time.minutes_range": "{least} to {most} minutes left",
    "time.hours": Plural("about an hour left", "about {n} hours left"),
    "time.hours_range": "{least} to {most} hours left",
    "time.in_hours": Plural("within an hour", "in about {n} hours"),
    "time.date": "{year}-{month:02}-{day:02}",
    "spent.seconds": Plural("{n} second", "{n} seconds"),
    "spent.minutes": Plural("{n} minute", "{n} minutes"),
    "engine.away": (
        "My engine is not answering right now. Your photos and orders are safe, "
        "and I go on by myself when it is back."
    ),
    "engine.back": "My engine is back, and I go on with your order.",
    # status and cancel
    "status.title": "How things stand",
    "status.nothing": "Nothing is running for you right now.",
    "status.collecting": Plural(
        "You are collecting photos: {n} good one so far.",
        "You are collecting photos: {n} good ones so far.",
    ),
    "status.models": Plural(
        "Your model “{name}” is ready.", "You have {n} models. In use: “{name}”."
    ),
    "cancel.question": "All right, I left everything as it was.",
    "cancel.start": "All right, I won't start by myself. Press Start when you are ready.",
    "cancel.stopping": "I'm stopping: {title}. It takes a few seconds.",
    "cancel.stopping_all": Plural("I'm stopping {n} order.", "I'm stopping all {n} orders."),
    "cancel.already": "I'm already stopping: {title}. It takes a few seconds.",
    "cancel.ended": "That has already ended. /status shows what is running.",
    "cancel.which": "Which one shall I stop? /cancel all stops everything.",
    "cancel.photos": Plural(
        "Nothing is running. Shall I put your {n} collected photo away and delete it?",
        "Nothing is running. Shall I put your {n} collected photos away and delete them?",
    ),
    "cancel.nothing": "Nothing is running, so there is nothing to stop. /help shows what I can do.",
    "cancelled.training": (
        "Stopped, as you asked. Your photos are still here: press the button to train again."
    ),
    "cancelled.headshots": "Stopped, as you asked. Your model is untouched.",
    "cancelled.model_gone": "Stopped, as you asked.",
    # a model is ready
    "model.first_name": "Me",
    "ready.title": "“{name}” is ready!",
    "ready.spent": "Learned in {spent}.",
    "ready.likeness": "Likeness: {likeness} %.",
    "ready.modest": (
        "That is a modest likeness. A few more sharp photos from different days would raise it."
    ),
    "ready.what_now": "Pick your first style, and I make your headshots.",
    # headshots
    "headshot.pick": "Which style would you like with “{name}”? Pick a category.",
    "headshot.no_model": (
        "I don't know your face yet. Press Train and send me your photos, "
        "then I make your headshots."
    ),
    "headshot.still_collecting": (
        "Almost! First your model has to be trained. Look at your photos and press Start."
    ),
    "headshot.when_ready": (
        "Your model is still being trained:\n{standing}\n\n"
        "As soon as it's ready, I show you styles to pick from."
    ),
    "headshot.unknown_model": "You have no model called “{wanted}”. /models shows yours.",
    "headshot.already": "Already on it.\n{standing}",
    "headshot.many_waiting": Plural(
        "You have {n} order waiting. Let me finish it first.",
        "You have {n} orders waiting. Let me finish one first, or cancel one.",
    ),
    "headshot.at_most": Plural(
        "I make at most {most} at once, so here comes {n}.",
        "I make at most {most} at once, so here come {n}.",
    ),
    "headshot.what_is_left": Plural(
        "You have {n} headshot left, so I make that one.",
        "You have {n} headshots left, so I make those.",
    ),
    "headshot.unknown_seed": (
        "I don't remember a picture with seed {seed}. Tell me its style too, "
        "for example: /headshot linkedin seed {seed}"
    ),
    "headshot.privately": "I send your headshots to you privately.",
    "headshots.title": Plural(
        "Your headshot · {style} · with “{name}”", "Your {n} headshots · {style} · with “{name}”"
    ),
    "headshots.title_unnamed": Plural("Your headshot · {style}", "Your {n} headshots · {style}"),
    "headshots.made_in": "Made in {spent}.",
    "headshots.best_of": Plural(
        "The best of {drawn}, made in {spent}.", "The best {n} of {drawn}, made in {spent}."
    ),
    "headshots.short.no_face": (
        "I can't make out a face in any of them, so I couldn't choose the best for you. With a "
        "small model that is normal. With a full-size one, press “Again” or try another style."
    ),
    "headshots.short.several_faces": (
        "There is more than one face in all of them. Press “Again” for new ones, or try a style "
        "with a plain background."
    ),
    "headshots.short.cut_off": (
        "The face is cut off in all of them. Press “Again” for new ones, or try another style."
    ),
    "headshots.short.unlike": (
        "Honestly, none of them looks enough like you. Press “More like me”, or “Retrain” with "
        "more photos: other angles, other light."
    ),
    "headshots.short.blurry": (
        "None of them came out really sharp. Press “Again” for new ones, or try another style."
    ),
    "headshots.short.eyes_closed": (
        "The eyes are closed in all of them. Press “Again” for new ones."
    ),
    "headshots.what_now": (
        "Not quite you? Press “More like me”. To use them elsewhere, take “Full size”, or "
        "“Profile pictures” for round frames."
    ),
    "headshots.caption": "{number} · seed {seed}",
    "headshots.caption_likeness": "{number} · seed {seed} · likeness {likeness} %",
    "headshots.gone": "I can't find these headshots. They may be deleted, or they aren't yours.",
    "headshots.delete": Plural(
        "Delete this headshot for good?", "Delete these {n} headshots for good?"
    ),
    "headshots.deleted": Plural(
        "The headshot is deleted on my side. The copy in this chat is yours: "
        "delete it as you like.",
        "All {n} headshots are deleted on my side. The copies in this chat are yours: "
        "delete them as you like.",
    ),
    "headshots.full_size": Plural(
        "Here is your headshot in full size. Save this file rather than the preview: it is the "
        "sharpest, and it carries the signed note that AI made it.",
        "Here are your {n} headshots in full size. Save these files rather than the previews: "
        "they are the sharpest, and they carry the signed note that AI made them.",
    ),
    "headshots.packing": "I'm getting your files ready.",
    "headshots.profiles": Plural(
        "Here is your profile picture, cut so that a round frame keeps your whole head.",
        "Here are your {n} profile pictures, cut so that a round frame keeps your whole head.",
    ),
    "headshots.no_profiles": (
        "These headshots come from before I could cut profile pictures. "
        "Press “Again” under them, and the new ones can be cut."
    ),
    "headshots.packed": Plural(
        "Here is your headshot in one ZIP: in full size, cut for profiles and for other shapes, "
        "and a contact sheet.",
        "Here are your {n} headshots in one ZIP: in full size, cut for profiles and for other "
        "shapes, and a contact sheet.",
    ),
    "headshots.shared": Plural("A headshot · {style}", "{n} headshots · {style}"),
    "headshots.none_to_share": "You have no headshots yet. Make some first, then share them here.",
    "headshots.share_where": "Here it's only you and me. Send /share where you want to show them.",
    "headshots.strongest": (
        "That's as much “you” as I can put in. "
        "For a better likeness, retrain with a few more photos."
    ),
    "background.grey_studio": "grey studio",
    "background.white_studio": "white studio",
    "background.blue_studio": "blue studio",
    "background.dark_studio": "dark studio",
    "background.office": "office",
    "background.library": "library",
    "background.home": "home",
    "background.cafe": "café",
    "background.brick_wall": "brick wall",
    "background.city": "city",
    "background.evening_city": "city at dusk",
    "background.stage": "stage",
    "background.park": "park",
    "background.mountains": "mountains",
    "background.beach": "beach",
    "background.laboratory": "laboratory",
    "garment.suit": "suit",
    "garment.suit_with_tie": "suit with a tie",
    "garment.blazer": "blazer",
    "garment.shirt": "shirt",
    "garment.blouse": "blouse",
    "garment.dress": "dress",
    "garment.sweater": "sweater",
    "garment.turtleneck": "turtleneck",
    "garment.t_shirt": "t-shirt",
    "garment.polo_shirt": "polo shirt",
    "garment.hoodie": "hoodie",
    "garment.denim_jacket": "denim jacket",
    "garment.leather_jacket": "leather jacket",
    "garment.lab_coat": "lab coat",
    "garment.scrubs": "scrubs",
    "wardrobe.coloured": "{colour} {garment}",
    "colour.black": "black",
    "colour.charcoal": "charcoal",
    "colour.grey": "grey",
    "colour.white": "white",
    "colour.navy": "navy",
    "colour.blue": "blue",
    "colour.light_blue": "light blue",
    "colour.red": "red",
    "colour.burgundy": "burgundy",
    "colour.green": "green",
    "colour.olive": "olive",
    "colour.teal": "teal",
    "colour.yellow": "yellow",
    "colour.orange": "orange",
    "colour.pink": "pink",
    "colour.purple": "purple",
    "colour.beige": "beige",
    "colour.brown": "brown",
    "headshot.unknown_background": (
        "I don't have the background “{wanted}”. Pick one of these: {known}.\n\n"
        "For example: /headshot {style} background: {first}"
    ),
    "headshot.unknown_clothes": (
        "I don't know the clothes “{wanted}”. Pick one of these, with a colour if you like: "
        "{known}.\n\nFor example: /headshot {style} clothes: {colour} {first}"
    ),
    "headshot.pick_background": "What should be behind you? Press one, and I make them anew.",
    "headshot.pick_clothes": (
        "What should you wear? Press one, and I make them anew. For a colour write it: "
        "/headshot linkedin clothes: red sweater"
    ),
    "headshot.no_free_prompt": (
        "Prompts of your own are switched off here. Pick a style; you can choose its background "
        "and clothes, too."
    ),
    "category.business": "Business",
    "category.legal": "Legal",
    "category.founder": "Founder",
    "category.studio": "Studio",
    "category.black_and_white": "Black and white",
    "category.speaker": "Speaker",
    "category.academic": "Academic",
    "category.medical": "Medical",
    "category.at_work": "At work",
    "category.outdoor": "Outdoor",
    "category.creative": "Creative",
    "category.actor": "Actor",
    "category.dating": "Dating",
    "category.festive": "Festive",
    "styles.title": Plural("{n} style", "{n} styles"),
    "styles.overview": "Pick a category to see its styles.",
    "styles.category": (
        "Press a style, and I make it. Or tell me more: "
        "/headshot {style} background: office clothes: black turtleneck"
    ),
    "styles.unknown": "I don't have that style. Here are all I have:",
    "styles.did_you_mean": "I don't have “{wanted}”. Did you mean {titles}?",
    "list.or": " or ",
    # models
    "models.none": "You have no model yet. Press Train and send me your photos.",
    "models.title": Plural("Your model", "Your {n} models"),
    "models.list": "Press one to use, rename, retrain or delete it.",
    "model.training": "being trained",
    "model.ready": "ready",
    "model.failed": "not finished",
    "model.in_use": "in use",
    "model.created": Plural("with {n} photo, {date}", "with {n} photos, {date}"),
    "model.imported": "imported, {date}",
    "model.likeness": "likeness {likeness} %",
    "model.gone": (
        "I can't find that model. It may be deleted, or it isn't yours. /models shows yours."
    ),
    "model.delete": (
        "Delete “{name}” for good? Its headshots stay. To have it again, you would train anew."
    ),
    "model.deleted": "“{name}” is deleted.",
    "choose.done": "From now on I use “{name}”.",
    "choose.training": "“{name}” is still being trained. You can use it as soon as it's ready.",
    "choose.failed": "“{name}” was never finished. Retrain it first, your photos are still here.",
    "rename.ask": "What shall I call “{name}”? Write a name of up to {most} letters.",
    "rename.empty": "I need at least one letter. What shall I call “{name}”? Up to {most} letters.",
    "rename.too_long": "That's {n} letters, and {most} fit. Write a shorter name, or /cancel.",
    "rename.taken": "You already have a model called “{name}”. Write another name, or /cancel.",
    "rename.done": "Done. Its name is “{name}” now.",
    "retrain.other_photos": (
        "You are still collecting photos for another model. Finish those first, or put them away."
    ),
    # failures: what happened and what to do
    "failed.title": "That didn't work: {title}",
    "failed.training": "Nothing is lost: your photos are still here.",
    "failed.headshots": "Nothing is lost: your model and your earlier headshots are safe.",
    "failed.error": "For you as admin: {error}. The engine's log says more.",
    "failure.too_few_photos": (
        "Only {num_photos} photos were good enough in the end, and I need {min_photos}. "
        "Add some more and start again."
    ),
    "failure.photo_missing": (
        "Photo {number} was no longer there when I needed it. Try again, and send it anew if asked."
    ),
    "failure.lora_missing": "The files of this model are gone. Please train it again.",
    "failure.lora_incompatible": (
        "This model was made for {lora_base}, and I work with {base} now. Please train it again."
    ),
    "failure.base_missing": (
        "The base model {base} is not installed on this machine. "
        "Please tell the admin of this bot; “headshot-bot doctor” shows what to do."
    ),
    "failure.base_incomplete": (
        "The base model {base} is incomplete: {part} is missing. "
        "Please tell the admin of this bot; “headshot-bot doctor” shows what to do."
    ),
    "failure.gpu_out_of_memory": (
        "The graphics card is too full: {needed_gb} GB needed, {free_gb} GB free. "
        "Try again in a few minutes. If it happens again, tell the admin of this bot."
    ),
    "failure.gpu_failed": ("The graphics card had a hiccup, and I restarted it. Please try again."),
    "failure.disk_full": (
        "The disk of this machine is full. "
        "Please tell the admin of this bot, then try again once there is room."
    ),
    "failure.storage_unreachable": (
        "I couldn't reach the place where pictures are kept. Please try again in a few minutes."
    ),
    "failure.engine_crashed": (
        "The engine broke down {num_crashes} times over this, so I stopped. "
        "Try again later. If it happens again, tell the admin of this bot."
    ),
    "failure.version_not_supported": (
        "My engine speaks version {supported}, and this order is version {version}. "
        "Please tell the admin of this bot to update both parts."
    ),
    "failure.job_invalid": (
        "This order got garbled on the way. Please ask again. "
        "If it happens again, tell the admin of this bot."
    ),
    "failure.internal": (
        "Something unexpected went wrong on my side. Please try again. "
        "If it happens again, tell the admin of this bot."
    ),
    # privacy
    "privacy.title": "Your photos are yours",
    "privacy.text": (
        "I use your photos only to make your headshots. Checking, training and drawing happen on "
        "the machines of this bot's admin; no photo goes to anybody else. "
        "Your headshots are marked inside the file as made by AI."
    ),
    "privacy.kept": "This is what I have of you:",
    "privacy.photos_kept": Plural(
        "Photos are deleted after {n} day.", "Photos are deleted after {n} days."
    ),
    "privacy.photos_kept_until_asked": "Photos stay until you delete them.",
    "privacy.headshots_kept": Plural(
        "Headshots are deleted after {n} day.", "Headshots are deleted after {n} days."
    ),
    "privacy.headshots_kept_until_asked": "Headshots stay until you delete them.",
    "privacy.yours": "You can have a copy of everything, or have it erased, whenever you want.",
    "kept.photos": Plural("{n} photo", "{n} photos"),
    "kept.models": Plural("{n} model", "{n} models"),
    "kept.headshots": Plural("{n} headshot", "{n} headshots"),
    "forget.title": "Erase everything?",
    "forget.ask": (
        "I stop what is running and erase all of this, with all that was made from it. "
        "It can't be brought back. Shall I?"
    ),
    "forget.kept": "All right, I kept everything. /forget asks again.",
    "forget.erasing": "I'm erasing everything now and tell you when it's gone.",
    "erased.title": "Everything is erased",
    "erased.files": Plural("{n} file was deleted.", "{n} files were deleted."),
    "erased.receipt": "Receipt: {receipt}",
    "erased.text": (
        "I don't know you any more. Messages in this chat are yours to delete. "
        "If you ever come back, /start begins anew."
    ),
    "export.nothing": "I have nothing of you to copy. /train begins.",
    "export.begun": "I'm packing everything up and send it to you shortly.",
    "export.ready": (
        "Here is all that I have of you. If it comes in pieces (.001, .002, …), save them in one "
        "folder and open the first with an unpacker such as 7-Zip or Keka."
    ),
    # settings
    "settings.title": "Language",
    "settings.chosen": "I speak {language}, as you chose. Pick another one:",
    "settings.automatic": "I speak {language}, like your app. Pick another one:",
    "settings.done": "All right, I speak {language} now.",
    # slash commands and forms
    "slash.train": "train",
    "slash.headshot": "headshot",
    "slash.styles": "styles",
    "slash.share": "share",
    "slash.status": "status",
    "slash.models": "models",
    "slash.cancel": "cancel",
    "slash.privacy": "privacy",
    "slash.forget": "forget",
    "slash.settings": "settings",
    "slash.help": "help",
    "slash.admin": "admin",
    "slash.train_with": "Train with these photos",
    "option_name.photo": "photo_{n}",
    "option_name.quality": "quality",
    "option_name.style": "style",
    "option_name.count": "count",
    "option_name.orientation": "orientation",
    "option_name.model": "model",
    "option_name.language": "language",
    "option_name.action": "action",
    "option_name.person": "person",
    "option_name.headshots": "headshots",
    "option_name.trainings": "trainings",
    "option.photo": "photo {n} of you; more can follow later",
    "option.quality": "how long to train",
    "option.style": "begin to type, or leave it out to look around",
    "option.count": "how many",
    "option.orientation": "upright or square",
    "option.model": "the name of one of your models",
    "option.language": "the language I speak with you",
    "option.action": "what to do; without it, the figures",
    "option.person": "whom it is about",
    "option.headshots": "headshots a day, for quota",
    "option.trainings": "trainings a day, for quota",
    "option_name.background": "background",
    "option.background": "another one than the style's",
    "option_name.clothes": "clothes",
    "option.clothes": "others than the style's, such as navy suit",
    "option_name.rename": "rename",
    "option.rename": "its new name",
    "quality.fast": "fast",
    "quality.standard": "standard",
    "quality.best": "best, takes longest",
    "aspect.portrait": "upright",
    "aspect.square": "square",
    "admin_do.stats": "figures",
    "admin_do.pause": "pause new orders",
    "admin_do.resume": "allow new orders again",
    "admin_do.ban": "ban somebody",
    "admin_do.allow": "allow somebody again",
    "admin_do.quota": "limits for somebody",
    "form.title": "Photos of you",
    "form.hint": (
        "Only you, sharp, from different sides and in different light. "
        "You can send more afterwards, as often as you like."
    ),
    "form.photos": "One to ten photos",
    "form.rename": "A new name",
    "form.name": "How shall I call it?",
    "form.not_yours": "Those photos are somebody else's. I only train with your own messages.",
    "form.fault": "Something went wrong on my side. Please try that again in a moment.",
    # admin
    "admin.not_you": "That is for the admins of this bot. /help shows what I can do for you.",
    "admin.title": "This bot",
    "admin.no_stats": "There are no figures yet.",
    "admin.stats": (
        "People: {num_people}\n"
        "Models: {num_models}\n"
        "Headshots: {num_headshots}\n"
        "Waiting: {num_queued}\n"
        "Running: {num_running}\n"
        "Failed today: {num_failed_today}\n"
        "Engines: {num_engines}"
    ),
    "admin.disk": "Free disk space: {free} GB",
    "admin.whom": "Whom do you mean? For example: /admin ban discord:1234",
    "admin.nobody": "I don't know “{wanted}”: nobody of that name has talked to me yet.",
    "admin.banned": "{name} can't order anything new any more.",
    "admin.allowed": "{name} may order again.",
    "admin.as_all": "as for everybody",
    "admin.quota": "{name}, each day: headshots {headshots}, trainings {trainings}.",
    "admin.paused": "Paused. Running orders finish, new ones wait. /admin resume goes on.",
    "admin.resumed": "New orders are welcome again.",
    # buttons
    "button.open_chat": "Open our chat",
    "button.train": "Train",
    "button.headshot": "Headshots",
    "button.styles": "Styles",
    "button.status": "Status",
    "button.models": "Models",
    "button.privacy": "Privacy",
    "button.help": "Help",
    "button.start_training": "Start training",
    "button.collect_anyway": "Collect other photos",
    "button.add_photos": "Add photos",
    "button.remove_photo": "Remove a photo",
    "button.start_over": "Start over",
    "button.clear": "Delete and start over",
    "button.give_up_photos": "Put photos away",
    "button.show_photos": "Show my photos",
    "button.back": "Back",
    "button.more": "More",
    "button.keep": "No, keep",
    "button.cancel_order": "Cancel it",
    "button.all_styles": "All styles",
    "button.all_models": "All models",
    "button.again": "Again",
    "button.more_like_me": "More like me",
    "button.background": "Background",
    "button.clothes": "Clothes",
    "button.other_style": "Other style",
    "button.full_size": "Full size",
    "button.profiles": "Profile pictures",
    "button.zip": "All as ZIP",
    "button.share": "Share here",
    "button.delete": "Delete",
    "button.try_again": "Try again",
    "button.try_training_again": "Train again",
    "button.use_model": "Use this one",
    "button.rename": "Rename",
    "button.retrain": "Retrain",
    "button.export": "Send me a copy",
    "button.forget": "Erase everything",
    "button.forget_surely": "Yes, erase everything",
    "button.language": "{name}",
    "button.language_auto": "Like my app",
    "button.pause": "Pause new orders",
    "button.resume": "Allow new orders",
}
