#!/bin/sh
# Writes .env for docker compose: .env.example with a fresh secret at each line that ends in "=". Never touches a .env that is there.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo ".env is there already, with the secrets of the stack's volumes. Edit it, or remove it together with them: docker compose down --volumes" >&2
  exit 1
fi
umask 077
while IFS= read -r line; do
  case $line in
    *=) printf '%s%s\n' "$line" "$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <.env.example >.env
echo "Wrote .env. Start with: docker compose up"
