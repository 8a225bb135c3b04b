"""Where alerts go: the config says where an address is kept, and no message shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertape.config import Notifications, load_config
from papertape.dashboard.app import create_app
from papertape.dashboard.settings import DashboardSettings
from papertape.errors import ConfigError

SECRET = "tgram://123456:hunter2secret/42"


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "lines",
    [
        f"urls:\n    phone: {SECRET}", f"url: {SECRET}", f"urls: {SECRET}",
        f"urls:\n    phone:\n      - {SECRET}", f"urls:\n    Phone!: {SECRET}",
        f"phone: {SECRET}",
    ],
)  # fmt: skip
def test_an_address_in_the_config_is_refused_and_not_repeated(tmp_path: Path, lines: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, f"notifications:\n  {lines}\n"))
    assert "notifications" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_places_are_taken_from_file_and_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "notifications:\n  urls:\n    phone: env:MY_PHONE\n")
    env = {"PAPERTAPE__NOTIFICATIONS__URLS__MAIL": "file:~/mail", "MY_PHONE": SECRET}
    config = load_config(path, env)
    assert config.notifications.urls == {"phone": "env:MY_PHONE", "mail": "file:~/mail"}
    assert config.notifications.allow_local is False
    assert "hunter2" not in str(config.plain())


def test_a_built_in_channel_keeps_its_name(tmp_path: Path) -> None:
    settings = DashboardSettings(
        data_dir=tmp_path, notifications=Notifications(urls={"browser": "env:X"})
    )
    with pytest.raises(ConfigError, match=r"notifications\.urls\.browser"):
        create_app(settings)
