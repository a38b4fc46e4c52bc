#!/bin/sh
# Runs `sealed-session keys` on the keys in a Secret: copies the Secret to a directory, runs the command there, and
# replaces the Secret.
#
#   rotate.sh rotate --every 90d --longest 30d      what the CronJob does
#   rotate.sh revoke 4b596b61 --yes                 a leaked key
#   rotate.sh status                                changes nothing
#   rotate.sh rotate --accept-clock                 after a look at the clock
#
# It needs kubectl, sealed-session, base64 and awk.
set -eu
umask 077

secret=${SECRET:-app-keys}
work=${WORK:-/work}
keys=$work/keys
command=$1
shift

rm -rf "$keys"
mkdir -p "$keys"

# The content and its version in one answer. The mounted Secret would be a minute old, and has no version.
template='{{.metadata.resourceVersion}}{{"\n"}}{{range $name, $data := .data}}{{$name}} {{$data}}{{"\n"}}{{end}}'
kubectl get secret "$secret" -o go-template="$template" > "$work/before"
{
    read -r version
    while read -r name data; do
        printf %s "$data" | base64 -d > "$keys/$name"
    done
} < "$work/before"
[ -n "$version" ]

# Ends here if it refuses (1) or fails (2), and the Secret stays as it was.
sealed-session keys "$command" "$keys" "$@"
[ "$command" != status ] || exit 0

# With the version that was read: if somebody has changed the Secret meanwhile, the API refuses this, nothing is
# lost, and the job's next attempt begins with what is there then.
kubectl create secret generic "$secret" --from-file="$keys" --dry-run=client -o yaml > "$work/plain"
awk -v version="$version" '
    { print }
    /^metadata:$/ { printf "  resourceVersion: \"%s\"\n", version; found = 1 }
    END { exit !found }
' "$work/plain" > "$work/after"
kubectl replace -f "$work/after"
