#!/bin/sh
# The table at the top of segfuse.h, and the list at the end of the reference, name functions with their lines:
# `sgf__attends (line 1234)`; the top also names the front's last line.
# Without arguments: are they right? With --write: make them so.
set -eu
awk -v write="${1-}" '
    FNR == NR {                                  # first pass: where is each function defined?
        if ($0 ~ /^(static|SGF_DEF|SGF__SCALAR|SGF__INLINE)/) { head = FNR; text = "" }
        if (head) {
            text = text $0
            if (match(text, /sgf_[a-z0-9_]+[(\[]/)) {
                name = substr(text, RSTART, RLENGTH - 1)
                pending = name; at = head; head = 0
            }
        }
        if (pending != "" && $0 ~ /;[ \t]*$/ && $0 !~ /\{/) pending = ""          # a declaration
        else if (pending != "" && $0 ~ /\{/) { if (!(pending in line)) line[pending] = at; pending = "" }
        if ($0 ~ /The front ends here/ && FNR > 300) front = FNR
        next
    }
    /why no cache, batch or thread changes a bit/ { listed = 1 }
    /^   Exceptions: / { listed = 0 }
    FNR < 220 || listed {
        out = ""; rest = $0
        while (match(rest, /sgf_[a-z0-9_]+ \(line [0-9]+\)/)) {
            item = substr(rest, RSTART, RLENGTH); name = item; sub(/ .*/, "", name)
            if (!(name in line)) { print "segfuse.h:" FNR ": there is no function " name > "/dev/stderr"; bad = 1; line[name] = 0 }
            now = name " (line " line[name] ")"
            if (now != item) { wrong = 1; if (write == "") print "segfuse.h:" FNR ": " item " is now " now > "/dev/stderr" }
            out = out substr(rest, 1, RSTART - 1) now; rest = substr(rest, RSTART + RLENGTH)
        }
        $0 = out rest
        if (match($0, /front ends at line [0-9]+/)) {
            now = "front ends at line " front; item = substr($0, RSTART, RLENGTH)
            if (now != item) { wrong = 1; if (write == "") print "segfuse.h:" FNR ": " item ", now " front > "/dev/stderr" }
            $0 = substr($0, 1, RSTART - 1) now substr($0, RSTART + RLENGTH)
        }
    }
    write != "" { print > "build/segfuse.h.lines" }
    END { if (bad || (wrong && write == "")) exit 1 }
' segfuse.h segfuse.h
[ -z "${1-}" ] || { cmp -s build/segfuse.h.lines segfuse.h || cp build/segfuse.h.lines segfuse.h; rm build/segfuse.h.lines; }
