"""Whatever comes, in whatever state: an answer, within the limits of the platforms."""

from conversation_samples import COLLECTION, ME, OTHER, SET, SITUATIONS, STYLES, TRAINING
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation.actions import Action, Verb, decode, encode, short
from bot.conversation.commands import ALIASES, COMMANDS, HIDDEN_COMMANDS
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import (
    ChatClosed,
    CollectionChanged,
    Command,
    EngineAway,
    EngineBack,
    EverythingErased,
    HeadshotsReady,
    Incoming,
    JobCancelled,
    OrderProgress,
    OrderQueued,
    PhotosReceived,
    Pressed,
    Said,
    TrainingFinished,
    UploadRefused,
)
from bot.conversation.messages import MAX_BUTTONS, MAX_BUTTONS_IN_ROW, MAX_TEXT, Message
from bot.conversation.reply import Reply
from bot.conversation.session import Session
from bot.conversation.situation import HeadshotSet, Model, Order, Situation

FAST = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
NASTY = (
    "",
    " ",
    "\x00\x1b[31m",
    "\u202eabc\u2066",
    "שלום עולם",
    "👩🏽‍🦱" * 50,
    "{name}{0}",
    "%s %d",
    "*_`[]()~>#+-=|{}.!<b>&amp;",
    "@everyone",
    "/" * 300,
    "A" * 20_000,
    "\ud83d",
    "٣",
    "²",
    "linkedin ٣ ²",
)
texts = st.sampled_from(NASTY) | st.text(max_size=60)
names = texts.map(lambda text: text[:500])
words = st.sampled_from([*COMMANDS, *HIDDEN_COMMANDS, *ALIASES, *STYLES]) | texts
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
received = st.builds(
    PhotosReceived,
    photos=st.lists(hashes, max_size=70).map(tuple),
    num_repeated=st.integers(0, 99),
    compressed=st.booleans(),
)
ids = st.sampled_from(["", *(short(row) for row in (COLLECTION, ME, OTHER, SET, TRAINING))])
arguments = st.sampled_from(
    ["", "0", "3", "99999", "linkedin", "help", "de", "on", "00000000.7", "-", "."]
)
actions = st.builds(Action, verb=st.sampled_from(Verb), id=ids, argument=arguments)
incoming: st.SearchStrategy[Incoming] = st.one_of(
    st.builds(
        Command,
        name=words,
        argument=words,
        options=st.dictionaries(
            st.sampled_from(["style", "count", "aspect", "model", "prompt", "quality"]), words
        ),
        photos=st.none() | received,
    ),
    received,
    st.builds(
        UploadRefused,
        reason=st.sampled_from(["too_large", "not_an_image", "download_failed"]),
        limit_mib=st.none() | st.integers(0, 2000),
        num_files=st.integers(0, 50),
    ),
    st.just(ChatClosed()),
    st.builds(Pressed, action=st.none() | actions),
    st.builds(Said, text=words),
)
numbers = st.integers(-5, 2**40)
floats = st.floats(allow_nan=True, allow_infinity=True)
orders = st.builds(
    Order,
    id=st.just(TRAINING),
    kind=st.sampled_from(["training", "headshots"]),
    status=st.sampled_from(["queued", "running"]),
    position=st.none() | st.integers(1, 10**6),
    model_id=st.sampled_from([ME, OTHER, ""]),
    model_name=names,
    style=words,
    count=numbers,
    phase=st.sampled_from([None, "preparing", "training", "generating"]),
    step=numbers,
    total=numbers,
    eta_s=st.none() | st.tuples(floats, floats),
    likeness=st.none() | st.floats(0, 1),
    preview_key=st.sampled_from(["", "key"]),
    resumed=st.booleans(),
    cancelling=st.booleans(),
)
states = st.sampled_from(sorted(SITUATIONS))


def check(reply: Reply) -> None:
    for message in reply.messages:
        check_message(message)
    assert Session.model_validate_json(reply.session.model_dump_json()) == reply.session


def check_message(message: Message) -> None:
    assert message.text
    assert Message.model_validate_json(message.model_dump_json()) == message
    assert len(message.title) + len(message.text) <= MAX_TEXT
    buttons = [button for row in message.buttons for button in row]
    assert len(buttons) <= MAX_BUTTONS
    assert len(message.buttons) <= 5
    assert len(message.pictures) <= 10
    for row in message.buttons:
        assert 1 <= len(row) <= MAX_BUTTONS_IN_ROW
    for button in buttons:
        wire = encode(button.action)
        assert len(wire.encode()) <= 64
        assert decode(wire) == button.action
        assert button.label.strip()
    wires = [encode(button.action) for button in buttons]
    assert len(set(wires)) == len(wires)


@FAST
@given(incoming=incoming, state=states, locale=st.sampled_from(["en", "de", "", "xx"]))
def test_respond_never_fails(incoming: Incoming, state: str, locale: str) -> None:
    now = SITUATIONS[state].model_copy(update={"platform_locale": locale})

    reply = respond(incoming, now)

    check(reply)
    assert reply.messages or reply.effects
    assert respond(incoming, now) == reply


@FAST
@given(texts=st.lists(incoming, min_size=2, max_size=6), state=states)
def test_sessions_carry_on_through_any_sequence(texts: list[Incoming], state: str) -> None:
    now = SITUATIONS[state]
    for incoming in texts:
        reply = respond(incoming, now)
        check(reply)
        now = now.model_copy(update={"session": reply.session})


@FAST
@given(order=orders, state=states, name=names, seconds=st.none() | floats, count=numbers)
def test_announce_never_fails(
    order: Order, state: str, name: str, seconds: float | None, count: int
) -> None:
    now = SITUATIONS[state]
    made = HeadshotSet(
        id=SET, model_id=ME, model_name=name, style="linkedin", shots=(), seconds=seconds
    )
    owned = Model(id=ME, name=name, created=now.now, likeness=order.likeness)
    for happening in (
        CollectionChanged(collection_id=COLLECTION),
        OrderQueued(order=order),
        OrderProgress(order=order),
        TrainingFinished(order=order, model=owned, seconds=seconds),
        HeadshotsReady(order=order, headshots=made),
        JobCancelled(order=order),
        EverythingErased(num_photos=count, num_models=0, num_headshots=1, num_blobs=2),
        EngineAway(),
        EngineBack(),
    ):
        check(announce(happening, now))


@FAST
@given(names=st.lists(names, max_size=40), incoming=incoming, order=orders)
def test_names_that_hold_anything(names: list[str], incoming: Incoming, order: Order) -> None:
    """Rows may hold what no rename of ours would let in."""
    basis = SITUATIONS["ready"]
    models = tuple(
        Model(id=f"{n:032x}"[::-1], name=name, created=basis.now) for n, name in enumerate(names)
    )
    now: Situation = basis.model_copy(update={"models": models, "orders": (order,) * 3})
    for what in (incoming, Command(name="models"), Command(name="status"), Command(name="cancel")):
        for message in respond(what, now).messages:
            assert len(message.title) + len(message.text) <= MAX_TEXT
            assert Message.model_validate_json(message.model_dump_json()) == message
