/** First boot of the witness: it closes its public side, joins the tailnet and gets its programs. Everything else comes with its bundle. */
import type { Environment } from "../../environments/schema";
import { quoted } from "./apply/script";
import { INSTALL_PROGRAMS } from "./apply/install";
import { PROGRAM_CACHE, PROGRAMS } from "./paths";

/** Tailscale's own port: the only one that the public side answers on. */
export const TAILSCALE_PORT = 41641;

const AUTH_KEY_FILE = "/run/gvfx-tailscale.key";
const FIRST_BOOT = "/usr/local/sbin/gvfx-first-boot";

export interface FirstBoot {
  readonly hostname: string;
  /** Who delivers bundles; root, or a user who may use sudo. */
  readonly user: string;
  readonly sshPort: number;
  readonly authorizedKeys: readonly string[];
  readonly versions: Environment["versions"];
  /** JSON text of a string (Terraform: `jsonencode`): PEM of the SSH host key. */
  readonly hostPrivateKeyJson: string;
  /** The same: its public half. */
  readonly hostPublicKeyJson: string;
  /** The same: single-use key with which the machine joins. Its tags are the key's. */
  readonly tailnetAuthKeyJson: string;
}

/**
 * cloud-init user data. It is YAML, of which JSON is a part: every value is
 * written as JSON, so that none can break out of its place.
 */
export function cloudInit(boot: FirstBoot): string {
  const text = JSON.stringify;
  return `#cloud-config
hostname: ${text(boot.hostname)}
preserve_hostname: false
# The host key is known before the machine exists, so that the first connection is checked as well.
ssh_deletekeys: true
ssh_keys:
  ed25519_private: ${boot.hostPrivateKeyJson}
  ed25519_public: ${boot.hostPublicKeyJson}
ssh_pwauth: false
disable_root: false
users:
  - name: ${text(boot.user)}
    lock_passwd: true
    shell: /bin/bash
    ssh_authorized_keys: ${text(boot.authorizedKeys)}
${boot.user === "root" ? "" : `    sudo: ${text("ALL=(ALL) NOPASSWD:ALL")}\n`}package_update: true
packages: [ca-certificates, curl, unzip, ufw, unattended-upgrades]
write_files:
  - path: /etc/ssh/sshd_config.d/10-gvfx.conf
    permissions: "0644"
    content: ${text(sshd(boot.sshPort))}
  - path: ${AUTH_KEY_FILE}
    permissions: "0600"
    content: ${boot.tailnetAuthKeyJson}
  - path: ${FIRST_BOOT}
    permissions: "0700"
    content: ${text(firstBootScript(boot))}
runcmd:
  - [${FIRST_BOOT}]
`;
}

function sshd(port: number): string {
  return `Port ${port}\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nHostKey /etc/ssh/ssh_host_ed25519_key\n`;
}

function firstBootScript({ hostname, sshPort, versions }: FirstBoot): string {
  const program = (name: "nomad" | "consul") => `program_ready ${name} ${[versions[name].version, versions[name].url, versions[name].sha256].map(quoted).join(" ")}\nprogram_place ${name}`;
  return `#!/bin/sh
set -eu
umask 077
node=${quoted(hostname)}
programs=${PROGRAMS}
cache=${PROGRAM_CACHE}
say() { printf '%s: %s\\n' "$node" "$*"; }
fail() { printf '%s: ERROR: %s\\n' "$node" "$*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work" ${AUTH_KEY_FILE}' EXIT

# Vultr's firewall admits Tailscale alone; the machine's own says the same, should the other ever be taken off.
ufw --force reset >/dev/null
ufw default deny incoming
ufw allow in on tailscale0
ufw allow ${TAILSCALE_PORT}/udp
ufw --force enable
# Image builders like to let SSH listen by socket, on a port of its own.
systemctl disable --now ssh.socket 2>/dev/null || true
systemctl restart ssh || systemctl restart sshd

. /etc/os-release
base="https://pkgs.tailscale.com/stable/$ID/$VERSION_CODENAME"
curl -fsSL --retry 5 "$base.noarmor.gpg" -o /usr/share/keyrings/tailscale-archive-keyring.gpg
curl -fsSL --retry 5 "$base.tailscale-keyring.list" -o /etc/apt/sources.list.d/tailscale.list
chmod 0644 /usr/share/keyrings/tailscale-archive-keyring.gpg /etc/apt/sources.list.d/tailscale.list
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y tailscale=${quoted(versions.tailscale)}
# Security updates go on by themselves; the tailnet under a voter is upgraded on purpose.
apt-mark hold tailscale
tailscale up --auth-key=file:${AUTH_KEY_FILE} --hostname=${quoted(hostname)}
rm -f ${AUTH_KEY_FILE}
say "joined the tailnet; SSH answers there on port ${sshPort}"
${INSTALL_PROGRAMS}
${program("consul")}
${program("nomad")}
`;
}
