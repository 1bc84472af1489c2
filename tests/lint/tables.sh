#!/bin/sh
# Prints the README with its tables made anew from what the program says.
# usage: tables.sh PROGRAM README.md
LC_ALL=C
export LC_ALL
program=$1
methods() {
    echo "| method | computes | cost | paper |"
    echo "| --- | --- | --- | --- |"
    "$program" heatmap --list | awk '
        /^[a-z]/ { name = $1; family = $2; sub(/^[^ ]+ +[^ ]+ +/, ""); what = $0; next }
        /^ +--set / { next }
        /^ +also / { name = name "`, `" $2; next }
        { sub(/^ +/, ""); n = index($0, "; ")
          printf "| `%s` | %s | %s | %s |\n", name, what, substr($0, 1, n - 1), substr($0, n + 2) }'
}
operators() {
    "$program" summary --operators | awk '/forward and backward/ { print $1 }' |
        sort | tr '\n' ' ' | fold -s -w 118 | sed 's/ *$//'
    printf '\n\nForward only, or at load time only (their output does not vary smoothly, or holds integers):\n\n'
    "$program" summary --operators | awk '/forward only/ { print $1 }' |
        sort | tr '\n' ' ' | fold -s -w 118 | sed 's/ *$//'
    echo
}
recipes() {
    echo "| recipe | of | at 224x224 |"
    echo "| --- | --- | --- |"
    "$program" summary --recipes | awk '
        /^[a-z]/ { name = $1; sub(/^[^ ]+ +/, ""); of = $0; next }
        { sub(/^ +/, ""); printf "| `%s` | %s | %s |\n", name, of, $0 }'
}
while IFS= read -r line; do
    case $line in
    "<!-- methods -->" | "<!-- operators -->" | "<!-- recipes -->")
        echo "$line"
        case $line in
        *methods*) methods ;;
        *recipes*) recipes ;;
        *) operators ;;
        esac
        while IFS= read -r line && [ "$line" != "<!-- end -->" ]; do :; done
        ;;
    esac
    printf '%s\n' "$line"
done <"$2"
