"""What of a picture's description may be said when it is learned from: never who is in it.

A vision-language model describes all it sees: "a young woman with long blonde hair wearing a black
blazer in an office". Words about the person would take from the trigger what it should mean. So
nothing is crossed out; only what is known to vary is picked up: clothes, expression, what is held,
background, light. No word of another kind can pass. Pure: text in, phrases out.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

COLOURS = """
black white charcoal grey gray red blue green yellow orange purple pink brown beige navy teal maroon
burgundy turquoise khaki olive cream
"""
_COLOURS = f"{COLOURS} gold golden silver dark light pale bright colorful colourful multicolored "
_CLOTH = """
striped checkered checked plaid floral patterned printed plain denim leather knitted knit wool
woolen cotton linen silk velvet lace fleece corduroy tweed long-sleeved short-sleeved long-sleeve
short-sleeve sleeveless v-neck collared button-up button-down buttoned hooded pinstriped formal
casual business winter summer rain sports baseball cowboy straw bow dress lab tank
"""
_GARMENTS = """
shirt shirts t-shirt tshirt tee polo blouse sweater jumper pullover sweatshirt hoodie cardigan
turtleneck jacket blazer coat overcoat raincoat vest waistcoat suit tuxedo tie necktie bowtie
dress gown skirt robe bathrobe scarf shawl hat cap beanie hood helmet headband bandana turban
hijab veil glasses sunglasses eyeglasses spectacles goggles mask necklace earrings earring
headphones earphones headset uniform scrubs apron jersey tracksuit overalls swimsuit bikini
lanyard backpack
"""
_PLACE_LOOKS = """
brick wooden stone concrete tiled wood glass metal marble blurry blurred blurred-out modern large
small empty crowded busy leafy grassy sandy snowy cloudy clear open sunny living dining hotel city
office school train subway parking conference meeting hospital coffee book picture potted
"""
_PLACES = """
wall walls fence hedge tree trees bush bushes forest woods park garden lawn grass field meadow
beach sea ocean lake river waterfall mountain mountains hill hills desert snow sky clouds street
road sidewalk alley bridge building buildings house houses skyscrapers skyline city town market
office kitchen bathroom bedroom room lobby hallway corridor restaurant cafe bar pub library
classroom laboratory clinic gym stadium studio shop store museum church airport station platform
train bus car truck boat balcony terrace patio porch stairs staircase elevator door doorway
window windows curtain curtains blinds bookshelf bookshelves bookcase shelf shelves couch sofa bed
plant plants flowers lamp lamps desk computer fireplace painting paintings pool
"""
_BACKDROPS = "plain solid neutral gradient textured studio"
_LIGHT_LOOKS = """
soft bright dim natural warm cold cool artificial harsh low golden studio neon fluorescent indoor
ambient dramatic diffused direct colored morning evening afternoon
"""
_LIGHTS = "light lighting sunlight daylight candlelight lamplight moonlight sunset sunrise"
_HELD = "phone smartphone cellphone camera cup mug glass bottle microphone book dog cat guitar ball"

_EXPRESSIONS = (
    (r"laugh(?:s|ing|ter)?", "laughing"),
    (r"grin(?:s|ning)?", "grinning"),
    (r"(?:slight|small|faint|subtle|gentle|soft) smile|smiling slightly", "slight smile"),
    (r"(?:big|wide|broad|bright) smile|smiling (?:widely|broadly)", "broad smile"),
    (r"smil(?:es?|ing)", "smiling"),
    (r"frown(?:s|ing)?", "frowning"),
    (r"serious|stern", "serious expression"),
    (r"neutral (?:facial )?expression", "neutral expression"),
    (r"surprised|shocked|astonished", "surprised expression"),
    (r"thoughtful|pensive|contemplative", "thoughtful expression"),
    (r"mouth (?:wide )?open|open mouth", "mouth open"),
    (r"sad", "sad expression"),
)
_MONOCHROME = re.compile(r"\bblack[- ]and[- ]white (?:photo|image|picture|portrait)|\bmonochrome\b")
_PLURAL = {"glasses", "sunglasses", "eyeglasses", "spectacles", "goggles", "scrubs", "overalls"}
MOST_OF_A_KIND = 3
STAYING_SHARE = 0.75
"""What so many of a person's photos show does not vary: it is left to the trigger."""
FEWEST_TO_COMPARE = 4


@dataclass(frozen=True)
class Seen:
    """What of one picture may be said."""

    manner: tuple[str, ...] = ()
    clothes: tuple[str, ...] = ()
    expression: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    backdrop: tuple[str, ...] = ()
    light: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((kind.name, word) for kind in fields(self) for word in getattr(self, kind.name))

    def without(self, dropped: set[tuple[str, str]]) -> "Seen":
        kept: dict[str, tuple[str, ...]] = {}
        for kind in fields(self):
            words = getattr(self, kind.name)
            kept[kind.name] = tuple(word for word in words if (kind.name, word) not in dropped)
        return Seen(**kept)


def _noun(looks: str, nouns: str) -> re.Pattern[str]:
    """Any number of known adjectives, then a known noun."""

    def either(words: str) -> str:
        return "|".join(sorted(map(re.escape, words.split()), key=len, reverse=True))

    return re.compile(rf"(?<![\w-])((?:(?:{either(looks)})[ -])*(?:{either(nouns)}))(?![\w-])")


_CLOTHES_PATTERN = _noun(_COLOURS + _CLOTH, _GARMENTS)
_PLACES_PATTERN = _noun(_COLOURS + _PLACE_LOOKS, _PLACES)
_LIGHT_PATTERN = _noun(_LIGHT_LOOKS, _LIGHTS)
_BACKDROP_PATTERN = _noun(_COLOURS + _PLACE_LOOKS + _BACKDROPS, "background backdrop")
_BACKDROP_IS = re.compile(
    r"(?:background|backdrop) is (?:a )?(?:(?:very|slightly|mostly) )?"
    rf"((?:(?:{'|'.join((_COLOURS + _BACKDROPS).split())}) ?)+)\b"
)
_LIGHT_IS = re.compile(
    rf"light(?:ing)? is ((?:(?:{'|'.join(_LIGHT_LOOKS.split())})(?:,? and |, | ))*"
    rf"(?:{'|'.join(_LIGHT_LOOKS.split())}))\b"
)
_BLURRED = re.compile(
    r"background (?:is|appears|seems)(?: \w+){0,3} (?:blurr(?:y|ed)|out of focus)"
)
_HOLDING = re.compile(
    rf"holding (?:an?|the|his|her|their|up an?) (?:[a-z]+ )?({'|'.join(_HELD.split())})\b"
)


def see(text: str) -> Seen:
    """What a description tells that may be said."""
    plain = " ".join(text.lower().replace("’", "'").split())
    return Seen(
        manner=("black and white photo",) if _MONOCHROME.search(plain) else (),
        clothes=_found(_CLOTHES_PATTERN, plain),
        expression=_expression(plain),
        held=_found(_HOLDING, plain)[:1],
        places=_found(_PLACES_PATTERN, plain),
        backdrop=_backdrop(plain),
        light=_light(plain),
    )


def _backdrop(text: str) -> tuple[str, ...]:
    named = [word for word in _found(_BACKDROP_PATTERN, text) if " " in word]
    told = [f"{found.strip()} background" for found in _BACKDROP_IS.findall(text)]
    blurred = ["blurred background"] if _BLURRED.search(text) else []
    return tuple((named + told + blurred)[:1])


def _light(text: str) -> tuple[str, ...]:
    """The bare word "light" is left alone: it may be the colour of anything."""
    told = [re.sub(r",? and |, ", " ", found) + " light" for found in _LIGHT_IS.findall(text)]
    named = [word for word in _found(_LIGHT_PATTERN, text) if word not in ("light", "lighting")]
    return tuple((told + named)[:1])


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """Each thing once, the fullest way it is put; those named first."""
    words = [found.group(1) for found in pattern.finditer(text)]
    fullest = [
        word
        for word in dict.fromkeys(words)
        if not any(other != word and other.endswith(f" {word}") for other in words)
    ]
    return tuple(fullest[:MOST_OF_A_KIND])


def _expression(text: str) -> tuple[str, ...]:
    for pattern, said in _EXPRESSIONS:
        if re.search(rf"\b(?:{pattern})\b", text):
            return (said,)
    return ()


def staying(photos: Sequence[Sequence[Seen]]) -> set[tuple[str, str]]:
    """What most photos show, by kind; each photo may have been seen in several crops."""
    if len(photos) < FEWEST_TO_COMPARE:
        return set()
    counted = Counter(word for crops in photos for word in {w for seen in crops for w in seen})
    return {word for word, num in counted.items() if num >= STAYING_SHARE * len(photos)}


def phrases(seen: Seen) -> list[str]:
    """As they stand in a caption."""
    said = list(seen.manner)
    if seen.clothes:
        said.append("wearing " + _and([_with_article(word) for word in seen.clothes]))
    said += seen.expression
    said += [f"holding {_with_article(word)}" for word in seen.held]
    if seen.places:
        said.append(f"{_and(seen.places)} in the background")
    said += seen.backdrop
    return said + list(seen.light)


def _and(words: Sequence[str]) -> str:
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def _with_article(word: str) -> str:
    noun = word.split()[-1]
    if noun in _PLURAL or (noun.endswith("s") and not noun.endswith("ss")):
        return word
    return f"an {word}" if word[0] in "aeio" else f"a {word}"


def by_photo(seen: Mapping[str, Seen], photo_of: Mapping[str, str]) -> list[list[Seen]]:
    """What the crops of each photo show, photo by photo."""
    grouped: dict[str, list[Seen]] = {}
    for key, one in seen.items():
        grouped.setdefault(photo_of[key], []).append(one)
    return list(grouped.values())
