/** An authority and one server certificate of it, made anew each time by openssl. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Authority {
  /** Folder with the authority's file, to be removed in the end. */
  readonly folder: string;
  /** PEM of the authority, as a file. */
  readonly file: string;
  /** PEM of the server's certificate and key. */
  readonly certificate: string;
  readonly key: string;
}

/**
 * @param names DNS names of the server
 * @throws Error when openssl is not on PATH
 */
export function makeAuthority(names: readonly string[]): Authority {
  const folder = mkdtempSync(join(tmpdir(), "gvfx-cloud-double-"));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", "2", "-subj", "/CN=gvfx double of cloud APIs");
  openssl("req", ...newKey, "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", "/CN=double");
  writeFileSync(at("names"), `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`);
  openssl("x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("names"), "-out", at("server.pem"));
  const made = { folder, file: at("ca.pem"), certificate: readFileSync(at("server.pem"), "utf8"), key: readFileSync(at("server.key"), "utf8") };
  // Nobody else shall be able to speak under these names to a program that trusts the authority.
  for (const file of ["ca.key", "server.key", "server.csr"]) rmSync(at(file));
  return made;
}
