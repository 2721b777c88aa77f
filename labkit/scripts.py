"""The scripts of the course's programs, for the shell of busybox.

Each says under its own name when it is ready, which signal it heard, and when it has finished. Those that wait for a
signal read from a queue that nobody fills: they have no child, and a signal interrupts ``read``, so that its trap is
run at once.
"""

POLITE = """\
#!/bin/sh
trap 'echo "polite: heard TERM"; asked=yes' TERM
trap 'echo "polite: heard INT";  asked=yes' INT
[ -p /tmp/queue ] || mkfifo /tmp/queue
echo "polite: ready"
until [ "$asked" ]; do
    read -r -t 1 item <>/tmp/queue
done
echo "polite: finished"
"""

SLOW = """\
#!/bin/sh
trap 'echo "slow: heard TERM"; asked=yes' TERM
[ -p /tmp/queue ] || mkfifo /tmp/queue
echo "slow: ready"
until [ "$asked" ]; do
    read -r -t 1 item <>/tmp/queue
done
sleep 3                      # it takes so long to write
echo "item" >/tmp/item
echo "slow: finished"
"""

INTERRUPTED = """\
#!/bin/sh
trap 'echo "interrupted: heard INT"; asked=yes' INT
[ -p /tmp/queue ] || mkfifo /tmp/queue
echo "interrupted: ready"
until [ "$asked" ]; do
    read -r -t 1 item <>/tmp/queue
done
echo "interrupted: finished"
exit 130                     # 128 + 2: ended by an INT
"""

DEAF = """\
#!/bin/sh
echo "deaf: ready"
exec sleep 2147483647
"""

STUBBORN = """\
#!/bin/sh
trap '' TERM INT             # ignore both, and let the next program inherit that
echo "stubborn: ready"
exec sleep 2147483647
"""

ENTRYPOINT = """\
#!/bin/sh
echo "entrypoint: prepared"
exec "$@"
"""

FORWARD = """\
#!/bin/sh
trap 'echo "forward: heard TERM"; kill -TERM $app && again=yes' TERM
polite &
app=$!
again=yes
while [ "$again" ]; do
    again=
    wait $app                # a signal ends the waiting, too
    code=$?
done
echo "forward: finished"
exit $code
"""

WORKER = """\
#!/bin/sh
number=0
echo "worker: ready"
while :; do
    number=$((number + 1))
    echo "worker: item $number begun"
    sleep 1
    echo "$number" >>/tmp/items
    echo "worker: item $number kept"
done
"""

_SECONDS = "1.0 1.25 1.5 1.75 2.0 2.25 2.5 2.75 3.0 3.25"

FORGETFUL = f"""\
#!/bin/sh
for seconds in {_SECONDS}; do
    sleep $seconds &
done
echo "forgetful: ready"
exec sleep 2147483647        # a program that never waits for a child
"""

ORPHANS = f"""\
#!/bin/sh
for seconds in {_SECONDS}; do
    (sleep $seconds &)       # its parent, the shell in parentheses, ends at once
done
echo "orphans: ready"
exec sleep 2147483647        # a program that never waits for a child
"""

REAPER = f"""\
#!/bin/sh
for seconds in {_SECONDS}; do
    (sleep $seconds &)       # its parent, the shell in parentheses, ends at once
done
echo "reaper: ready"
sleep 2147483647             # the shell stays, and waits for whatever ends
echo "reaper: finished"
"""
