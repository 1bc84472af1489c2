#!/bin/sh
# Makes the man page from what the program itself says: the overview, the help
# of each command, the list of heatmap methods.
# usage: manual.sh PROGRAM VERSION
LC_ALL=C
export LC_ALL
program=$1
version=$2

# Characters that would mean something at the beginning of a line or in it.
escape='function escape(s) {
    gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s)
    sub(/^\./, "\\\\\\&.", s); sub(/^'"'"'/, "\\\\\\&'"'"'", s)
    return s }'

verbatim() {
    echo ".nf"
    awk "$escape"' { print escape($0) }'
    echo ".fi"
}

# A command's help: what it does, its options as a list, its examples.
command_help() {
    awk "$escape"'
        NR == 1 { next }
        /^Usage: / { sub(/^Usage: /, ""); print ".B " escape($0); print ".PP"; next }
        /^Options:$/ { part = "options"; print ".SS Options"; next }
        /^Examples:$/ { part = "examples"; print ".SS Examples"; print ".nf"; next }
        /^Exit codes: / { print ".fi"; next }
        part == "options" && /^  (-.,|   ) --/ {
            name = substr($0, 3, 26); text = substr($0, 29)
            if (substr($0, 28, 1) != " ") { name = substr($0, 3); text = "" }
            gsub(/^ +| +$/, "", name)
            print ".TP"; print ".B " escape(name)
            if (text != "") print escape(text)
            next }
        part == "options" && /^  -h, --help / { next }
        part == "options" && NF {
            if (substr($0, 29, 1) == " ") print ".br"
            sub(/^ +/, ""); print escape($0); next }
        part == "examples" || NF { print escape($0) }'
}

methods() {
    "$program" heatmap --list | awk "$escape"'
        /^[a-z]/ { print ".TP"; print ".B " $1
            sub(/^[^ ]+ +[^ ]+ +/, ""); print escape($0) "."; next }
        /^ +also / { print "Also called \\fB" $2 "\\fR."; next }
        { sub(/^ +/, ""); print ".br"; print escape($0) }'
}

echo ".TH CXAI 1 \"\" \"cxai $version\" \"User Commands\""
echo ".SH NAME"
echo "cxai \\- ask a neural network why"
echo ".SH SYNOPSIS"
echo ".B cxai"
echo "COMMAND [OPTION]... [OPERAND]..."
echo ".SH OVERVIEW"
"$program" help | verbatim
for command in $("$program" help |
    sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    [ "$command" = help ] && continue
    echo ".SH $(echo "$command" | tr a-z A-Z)"
    "$program" help "$command" | command_help
done
cat <<'END'
.SH HEATMAP METHODS
As
.B cxai heatmap \-\-list
prints them: what is computed; what it costs, in passes through the network;
authors and year; settings with their defaults.
END
methods
cat <<'END'
.SH EXIT STATUS
0 done; 1 it failed, and one line on standard error says what, where and what to
do; 2 the command line is wrong. Ctrl\-C ends a heatmap with the estimate so far,
where the method has one, and exit status 1; a second one ends the program.
END
