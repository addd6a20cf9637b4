#!/usr/bin/env bash
# Installs what the local stack and its tests need from the system and pip cannot bring: Java 17 or newer, Maven, Chromium,
# Node 18 or newer with npm, Python's venv. Says so first. Needs root or sudo on Debian and its kin; elsewhere it prints what to install and fails.
set -euo pipefail

missing=()
java=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' || true)
[ "${java:-0}" -ge 17 ] || missing+=(java)
command -v mvn >/dev/null || missing+=(maven)
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
node=$(node --version 2>/dev/null | sed 's/v\([0-9]*\).*/\1/' || true)
[ "${node:-0}" -ge 18 ] || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
"${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Missing: ${missing[*]}. Install them with this system's package manager, for example:" >&2
  echo "  Fedora: sudo dnf install java-21-openjdk-headless maven chromium nodejs npm" >&2
  echo "  Arch:   sudo pacman -S jre21-openjdk-headless maven chromium nodejs npm" >&2
  echo "  macOS:  brew install openjdk@21 maven node && brew install --cask google-chrome" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Missing: ${missing[*]}. Neither root nor sudo is there to install them." >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing from the system's packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
packages=()
for name in "${missing[@]}"; do
  if [ "$name" = java ]; then
    for version in 17 21 25; do
      name=openjdk-$version-jre-headless
      apt-cache show "$name" >/dev/null 2>&1 && break
    done
  fi
  packages+=("$name")
done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
