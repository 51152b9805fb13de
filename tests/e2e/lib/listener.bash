# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who receives logs, as a journald or a syslog daemon does.

# listener WAY ADDRESS FILE: python that writes what comes into FILE, one message in a line, until it is ended. $LISTENER is its pid.
listener() {
	cat >listen.py <<-'END'
		import os, socket, sys
		way, address, path = sys.argv[1:]
		out = open(path, "ab", buffering=0)
		family = socket.AF_INET if way in ("udp", "tcp") else socket.AF_UNIX
		kind = socket.SOCK_STREAM if way in ("tcp", "stream") else socket.SOCK_DGRAM
		s = socket.socket(family, kind)
		if family == socket.AF_INET:
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(("127.0.0.1", int(address)))
		else:
		    os.makedirs(os.path.dirname(address), exist_ok=True)
		    if os.path.exists(address):
		        os.unlink(address)
		    s.bind(address)
		if kind == socket.SOCK_STREAM:
		    s.listen(8)
		open(path + ".ready", "w").close()
		while True:
		    if kind == socket.SOCK_DGRAM:
		        out.write(s.recv(1 << 20) + b"\n")
		        continue
		    c, _ = s.accept()
		    while data := c.recv(1 << 20):
		        out.write(data)
	END
	rm -f "$3.ready"
	python3 listen.py "$1" "$2" "$3" &
	LISTENER=$!
	wait_until test -e "$3.ready"
}
