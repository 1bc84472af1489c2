#!/bin/sh
# Makes the man page from the program's own help texts.
# usage: manual.sh PROGRAM VERSION
program=$1
version=$2
verbatim() {
    echo ".nf"
    sed -e 's/\\/\\e/g' -e 's/^\./\\\&./' -e "s/^'/\\\\\\&'/" -e 's/-/\\-/g'
    echo ".fi"
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
    "$program" help "$command" | verbatim
done
