"""Where settings come from, which source wins, and what a wrong one is answered with."""

import os
import stat
from pathlib import Path

import pytest

from bot.settings import EngineSection, Settings, SettingsError, load
from engine.contract.blobs import Blobs
from engine.contract.settings import EngineSettings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HEADSHOT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADSHOT_DATA_DIR", str(tmp_path))
    return tmp_path


def test_a_fresh_machine_needs_no_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = load()
    assert settings.data_dir.name == "headshot-bot"
    assert settings.redis_url is None
    assert settings.blobs_url == f"file://{settings.data_dir}/blobs"
    assert settings.database_url == f"sqlite+aiosqlite:///{settings.data_dir}/bot.sqlite3"
    assert settings.engine.base == "demo"


def test_blobs_lie_in_the_data_folder_whatever_its_name(tmp_path: Path) -> None:
    data_dir = tmp_path / "50% of #1 photos?"
    Blobs.from_url(Settings(data_dir=data_dir).blobs_url).put_sync("a/b", b"c")
    assert (data_dir / "blobs" / "a" / "b").read_bytes() == b"c"


def test_flags_win_over_environment_over_secrets_over_file(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_dir / "config.toml").write_text(
        'log_level = "error"\n[engine]\nbase = "file"\ndevice = "cpu"\nsteps = 1\nlease_s = 2\n'
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, value in {"base": "secret", "steps": "2", "lease_s": "3"}.items():
        (secrets / f"headshot_engine__{name}").write_text(value)
    monkeypatch.setenv("HEADSHOT_ENGINE__BASE", "environment")
    monkeypatch.setenv("HEADSHOT_ENGINE__STEPS", "3")
    settings = load({"engine": {"base": "flag"}}, secrets=secrets)
    engine = settings.engine
    assert (engine.base, engine.steps, engine.lease_s, engine.device) == ("flag", 3, 3.0, "cpu")
    assert settings.log_level == "error"


def test_a_token_is_read_from_a_secret_file_and_never_shown(data_dir: Path) -> None:
    secrets = data_dir / "secrets"
    secrets.mkdir()
    (secrets / "headshot_discord__token").write_text("very-secret\n")
    settings = load(secrets=secrets)
    assert settings.discord.token is not None
    assert settings.discord.token.get_secret_value() == "very-secret"
    assert "very-secret" not in repr(settings)


def test_the_addresses_of_redis_and_the_database_are_not_shown() -> None:
    settings = Settings(
        data_dir=Path("/d"), redis_url="redis://:hush@h", database_url="postgresql://u:hush@h/d"
    )
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("HEADSHOT_ENGINE__BSE", "HEADSHOT_ENGINE__BASE"),
        ("HEADSHOT_REDISURL", "HEADSHOT_REDIS_URL"),
        ("HEADSHOT_DISCORD_TOKEN", "HEADSHOT_DISCORD__TOKEN"),
        ("HEADSHOT_PHOTOS__MIN_PHOTO", "HEADSHOT_PHOTOS__MIN_PHOTOS"),
    ],
)
def test_an_unknown_variable_names_the_nearest_setting(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, variable: str, nearest: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(SettingsError, match=f"{variable} is no setting; did you mean {nearest}"):
        load()


def test_an_unknown_name_in_the_file_names_the_nearest_setting(data_dir: Path) -> None:
    (data_dir / "config.toml").write_text("[engine]\nbass = 1\n")
    with pytest.raises(SettingsError, match=r"engine\.bass is no setting; did you mean engine\.ba"):
        load()


def test_an_unknown_secret_names_the_nearest_setting(data_dir: Path) -> None:
    (data_dir / "headshot_telegram__tokn").write_text("x")
    with pytest.raises(SettingsError, match="did you mean headshot_telegram__token"):
        load(secrets=data_dir)


def test_a_wrong_value_names_the_setting_and_the_value(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSHOT_ENGINE__STEPS", "many")
    with pytest.raises(SettingsError, match=r"engine\.steps is 'many'"):
        load()


def test_a_settings_file_that_was_named_must_exist_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load(config=tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("engine = ")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(config=broken)


def test_lists_may_be_words(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSHOT_ADMINS", "discord:1, telegram:2")
    monkeypatch.setenv("HEADSHOT_ENGINE__ROLES", "photos,training")
    settings = load()
    assert settings.admins == ("discord:1", "telegram:2")
    assert settings.engine.roles == ("photos", "training")


def test_what_is_written_after_loading_is_the_owners_alone(data_dir: Path) -> None:
    before = os.umask(0o022)
    try:
        load()
        file = data_dir / "private"
        file.touch()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_the_engine_is_told_everything_it_can_be_told() -> None:
    told = set(EngineSection.model_fields) | {"redis_url", "blobs_url"}
    assert told == set(EngineSettings.model_fields)
    settings = Settings(data_dir=Path("/data"), engine=EngineSection(steps=5))
    engine = settings.engine_settings("unix:///s", roles=("photos",))
    assert engine.work_dir == Path("/data/engine")
    assert (engine.steps, engine.roles, engine.redis_url) == (5, ("photos",), "unix:///s")


def test_styles_in_the_data_folder_are_an_admins_own(data_dir: Path) -> None:
    assert load().styles is None

    (data_dir / "styles.toml").write_text("[beach]\nhidden = true\n")
    assert load().styles == data_dir / "styles.toml"

    (data_dir / "config.toml").write_text('styles = "/etc/looks.toml"\n')
    assert load().styles == Path("/etc/looks.toml")
