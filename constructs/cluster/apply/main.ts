/** Shell: the order of things on one node. */

/**
 * Two modes. `start`: a node whose server does not run, or has never been in a
 * cluster, is brought up at once: starting a server cannot cost a quorum, and
 * the first start of all three would wait for ever otherwise. `turn`: everything
 * else, one node after the other, with a healthy cluster before and after.
 */
export const MAIN = String.raw`
for tool in curl sha256sum cmp systemctl; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing on the node, so nothing was changed. Install it (curl, coreutils, diffutils, systemd) and deploy again."
done
# The first boot of a new machine still installs packages.
if command -v cloud-init >/dev/null 2>&1; then timeout "$settle_wait" cloud-init status --wait >/dev/null 2>&1 || true; fi

unpack
ca=$(staged "$ca_file")

if [ "$mode" = start ] && systemctl is-active --quiet nomad && formed; then
  say "runs in its cluster; changes are for its turn"
  exit 0
fi

[ -r "$gossip_key_file" ] || fail "$gossip_key_file is missing, so the Consul agent could not speak to its servers; nothing was changed. It holds the gossip key of the existing Consul cluster (base64, one line, root only). From a node that has it: ssh OTHER sudo cat $gossip_key_file | ssh THIS 'sudo sh -c \"umask 077; cat >$gossip_key_file\"'. Then deploy again: cdktf deploy foundation"
gossip_key=$(tr -d '[:space:]' <"$gossip_key_file")
case $(printf '%s' "$gossip_key" | grep -c '^[A-Za-z0-9+/]*=*$')-$(printf '%s' "$gossip_key" | wc -c | tr -d ' ') in
  1-24 | 1-32 | 1-44) ;;
  *) fail "$gossip_key_file does not hold a key of 16, 24 or 32 bytes in base64, so nothing was changed; put the gossip key of the existing Consul cluster there (one line, as consul keygen writes it), and deploy again: cdktf deploy foundation" ;;
esac
printf '{ "encrypt": "%s" }\n' "$gossip_key" | add consul 0640 "$consul_user" "$gossip_config"
if [ -n "$consul_ca_file" ]; then
  [ -r "$consul_ca_file" ] || fail "$consul_ca_file is missing, so the Consul agent could not check its servers; nothing was changed. It holds the authority that signed the Consul servers' certificates (PEM). Copy it from a Consul server and deploy again: cdktf deploy foundation"
  add consul 0644 "$consul_user" "$consul_ca_copy" <"$consul_ca_file"
fi

program_ready consul "$consul_version" "$consul_url" "$consul_sha256"
program_ready nomad "$nomad_version" "$nomad_url" "$nomad_sha256"

restart_consul=no
restart_nomad=no
if out_of_date consul "$consul_version"; then restart_consul=yes; fi
if out_of_date nomad "$nomad_version"; then restart_nomad=yes; fi

# What does not take part cannot be missed. Before the first election nothing does.
if [ "$restart_nomad" = yes ] && systemctl is-active --quiet nomad && serves; then await_spare; fi

id -u "$consul_user" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir "$consul_data" --shell /usr/sbin/nologin "$consul_user"
mkdir -p "$nomad_data" "$consul_data"
[ "$(stat -c %U "$consul_data")" = "$consul_user" ] || chown -R "$consul_user:$consul_user" "$consul_data"
# An empty folder is harmless: a stateful job refuses to initialise one unless it is told to.
volumes | while read -r folder; do (umask 022 && mkdir -p "$folder"); done

program_place consul
program_place nomad
write_files consul
write_files nomad
systemctl daemon-reload
systemctl enable --quiet consul nomad

if [ "$restart_consul" = yes ]; then
  say "restarts consul"
  (umask 022 && systemctl restart consul) || fail "Consul did not start; Nomad was not touched. On this node: journalctl -u consul -n 50. Then deploy again: cdktf deploy foundation"
  deadline=$(($(date +%s) + consul_wait))
  until curl --silent --fail --max-time 4 --noproxy '*' "http://127.0.0.1:$consul_http_port/v1/status/leader" 2>/dev/null | grep -q '^"..*"$'; do
    if [ "$(date +%s)" -ge "$deadline" ]; then
      [ "$mode" = start ] || fail "the Consul agent knows no leader $consul_wait s after its start, so Nomad was not touched. On this node: journalctl -u consul -n 50; consul members. Usual causes: another gossip key than the servers', port 8301 or 8300 closed between them, a wrong address in consul.servers, servers that demand a certificate of their clients (consul.autoEncrypt). Then deploy again: cdktf deploy foundation"
      say "the Consul agent knows no leader yet; Nomad starts without it"
      break
    fi
    sleep "$poll"
  done
  remember consul "$consul_version"
fi

if [ "$restart_nomad" = yes ]; then
  say "restarts nomad"
  (umask 022 && systemctl restart nomad) || fail "Nomad did not start. On this node: journalctl -u nomad -n 50. Then deploy again: cdktf deploy foundation"
  await_answer
  remember nomad "$nomad_version"
fi

if [ "$mode" = start ]; then
  say "started"
elif [ "$restart_nomad" = yes ]; then
  await_whole "$stable"
  await_registered
  say "restarted, in a healthy cluster of $servers"
else
  await_whole 0
  await_registered
  say "up to date, in a healthy cluster of $servers"
fi
`;
