#!/bin/sh
# Runs every check in sequence and shows all findings before it fails.
# `check.sh quick` omits the slow ones (playbooks) and those of few files (YAML, templates, shell).
set -u
cd "$(dirname "$0")/.." || exit 1
PATH="$PWD/.venv/bin:$PATH"
failed=""
checks=${1:-all}

check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "  ok    $name"
    else
        echo "  FAIL  $name"
        echo "$output" | head -n 80 | sed 's/^/        /'
        failed="$failed $name"
    fi
}

# Files that git tracks or would add: no files of set-up or of a run.
files() {
    git ls-files --cached --others --exclude-standard "$@" | while IFS= read -r file; do
        [ ! -f "$file" ] || echo "$file"
    done
}

shell_scripts() {
    files | while IFS= read -r file; do
        case "$file" in
            *.sh) echo "$file" ;;
            *.*) ;;
            *) head -c 64 "$file" | grep -aqE '^#!.*\b(ba|da)?sh\b' && echo "$file" ;;
        esac
    done
}

check_shell() {
    shell_scripts | xargs -r shellcheck
}

check_yaml() {
    files '*.yml' '*.yaml' | xargs -r yamllint --strict
}

echo "Checks:"
check "format (make fix mends it)" ruff format --check --quiet .
check "lint" ruff check --quiet .
check "types" mypy --no-error-summary
check "imports" lint-imports --no-logo
if [ "$checks" = all ]; then
    check "playbooks" env ANSIBLE_COLLECTIONS_PATH="$PWD/playbooks/collections" ansible-lint --offline --profile production -q
    check "yaml" check_yaml
    check "page templates" djlint --lint --check --quiet templates
    check "shell" check_shell
fi

if [ -n "$failed" ]; then
    echo "Not clean:$failed" >&2
    exit 1
fi
