"""Free ports."""

import socket

from qwen_infra.local.ports import find_free_ports, is_taken


def test_ports_are_different_and_can_be_bound():
    ports = find_free_ports(6)
    assert len(set(ports)) == 6
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_ports_are_below_the_range_of_outgoing_connections():
    assert max(find_free_ports(20)) < 32768


def test_a_port_is_taken_while_a_program_listens_on_it():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        assert is_taken(port)
    assert not is_taken(port)
