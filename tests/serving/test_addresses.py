from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from labelwright.core.errors import ConfigurationError
from labelwright.serving.addresses import join_address, require_free, reserve_shared, split_address
from labelwright.serving.data_folder import AddressFile, make_folder


@pytest.mark.parametrize("address", ["127.0.0.1:7420", "[::1]:0", "name.example:65535"])
def test_an_address_is_taken_apart_and_put_together(address: str) -> None:
    assert join_address(*split_address(address)) == address


@pytest.mark.parametrize("address", ["", "7420", ":7420", "host:", "host:-1", "host:65536", "host:x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        split_address(address)


def test_the_port_that_is_free_is_filled_in() -> None:
    address = require_free("127.0.0.1:0", "EXAMPLE_LISTEN")
    assert split_address(address)[1] > 0
    assert require_free(address, "EXAMPLE_LISTEN") == address


def test_a_shared_port_lets_processes_of_this_user_listen() -> None:
    holder, address = reserve_shared("127.0.0.1:0", "EXAMPLE_LISTEN")
    with holder, socket.socket() as first, socket.socket() as second:
        for listener in (first, second):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(split_address(address))
            listener.listen()


@pytest.mark.parametrize("take", [require_free, reserve_shared])
def test_a_port_is_taken_from_nobody(take: Callable[[str, str], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = join_address(*other.getsockname())
        with pytest.raises(ConfigurationError, match=f"^EXAMPLE_LISTEN: cannot listen on {address}: "):
            take(address, "EXAMPLE_LISTEN")


def test_a_host_that_is_not_of_this_machine_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"EXAMPLE_LISTEN: cannot listen on 192\.0\.2\.1:1: "):
        require_free("192.0.2.1:1", "EXAMPLE_LISTEN")


def test_an_address_file_is_there_while_its_server_runs(tmp_path: Path) -> None:
    path = tmp_path / "data" / "example.address"
    path.parent.mkdir()
    path.write_text("127.0.0.1:1\n")
    file = AddressFile(tmp_path / "data", "example.address", "EXAMPLE_DATA_DIR")
    assert not path.exists()
    file.write("127.0.0.1:2")
    assert path.read_text() == "127.0.0.1:2\n"
    file.remove()
    assert not path.exists()


def test_an_address_file_of_another_server_is_left_alone(tmp_path: Path) -> None:
    first = AddressFile(tmp_path, "example.address", "EXAMPLE_DATA_DIR")
    first.write("127.0.0.1:1")
    second = AddressFile(tmp_path, "example.address", "EXAMPLE_DATA_DIR")
    second.write("127.0.0.1:2")
    first.remove()
    assert (tmp_path / "example.address").read_text() == "127.0.0.1:2\n"


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match=f"^EXAMPLE_DATA_DIR: cannot use {folder}: "):
            make_folder(folder, "EXAMPLE_DATA_DIR")


def test_a_server_goes_on_without_its_address_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    file = AddressFile(folder, "example.address", "EXAMPLE_DATA_DIR")
    folder.rmdir()
    folder.write_text("what cannot be written to")
    file.write("127.0.0.1:1")
    file.remove()
    folder.unlink()
    (folder / "example.address").mkdir(parents=True)
    AddressFile(folder, "example.address", "EXAMPLE_DATA_DIR").write("127.0.0.1:1")
