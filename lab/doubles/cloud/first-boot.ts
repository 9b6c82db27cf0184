/** What the first boot of the witness comes to as far as the tailnet sees it: cloud-init reads its user data, and the machine joins with the key in it. */

/** File that the user data writes the key to. */
const KEY_FILE = "/run/gvfx-tailscale.key";

export interface Boot {
  readonly hostname: string;
  readonly authKey: string;
}

/**
 * Takes what joining needs from user data, whose values are JSON texts.
 * @throws Error when it is no cloud-config, or names no key or host name: such a machine never joins
 */
export function readUserData(userData: string): Boot {
  if (!userData.startsWith("#cloud-config\n")) throw new Error("the user data is no cloud-config: nothing would be done with it");
  const [, hostname] = /^hostname: (".*")$/m.exec(userData) ?? [];
  const [, authKey] = new RegExp(`^  - path: ${KEY_FILE}\\n    permissions: "0600"\\n    content: (".*")$`, "m").exec(userData) ?? [];
  if (!hostname || !authKey) throw new Error(`the user data has no ${hostname ? `file ${KEY_FILE}` : "host name"}: the machine would never join`);
  return { hostname: JSON.parse(hostname) as string, authKey: JSON.parse(authKey) as string };
}
