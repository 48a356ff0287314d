/** The gateway's own authority and the certificate for its domain: what local grids and a gateway without ACME serve with. */
import { createHash, type webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@tfgrid/primitives";
import * as x509 from "@peculiar/x509";
import { CERTIFICATE_FILE } from "./core/config.ts";
import { writeAtomic } from "./files.ts";
import { GATEWAY_LIMITS as L } from "./limits.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_FILE = "authority.pem";
const AUTHORITY_KEY_FILE = "authority.key";

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}
interface Options {
  readonly dataDir: string;
  readonly domain: string;
  readonly clock: Clock;
}

const serial = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("hex");
const keyPem = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
const validity = (clock: Clock, days: number) => ({
  // Clocks of clients may be a little behind.
  notBefore: new Date(clock.nowMs() - DAY_MS),
  notAfter: new Date(clock.nowMs() + days * DAY_MS),
});
const lasts = (certificate: x509.X509Certificate, clock: Clock): boolean =>
  certificate.notAfter.getTime() - clock.nowMs() > L.certificateRenewDays * DAY_MS;

async function loadAuthority({ dataDir, clock }: Options): Promise<Authority | undefined> {
  try {
    const certificate = new x509.X509Certificate(await readFile(join(dataDir, AUTHORITY_FILE), "utf8"));
    const der = x509.PemConverter.decodeFirst(await readFile(join(dataDir, AUTHORITY_KEY_FILE), "utf8"));
    const key = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
    return lasts(certificate, clock) ? { certificate, key } : undefined;
  } catch {
    // Missing, half written or of another kind: a new one is made.
    return undefined;
  }
}

async function makeAuthority({ dataDir, domain, clock }: Options): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Web gateway ${domain}`,
    ...validity(clock, L.authorityDays),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeAtomic(join(dataDir, AUTHORITY_KEY_FILE), await keyPem(keys.privateKey), 0o600);
  await writeAtomic(join(dataDir, AUTHORITY_FILE), certificate.toString("pem"));
  return { certificate, key: keys.privateKey };
}

/** The certificate in use, when it is the authority's, for this domain and lasts. */
async function loadCertificate(options: Options, authority: Authority): Promise<string | undefined> {
  try {
    const pem = await readFile(join(options.dataDir, CERTIFICATE_FILE), "utf8");
    const certificate = new x509.X509Certificate(pem);
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
    const valid = await certificate.verify({ publicKey: await authority.certificate.publicKey.export(), signatureOnly: true }, crypto);
    return valid && lasts(certificate, options.clock) && names.some(({ value }) => value === options.domain) ? pem : undefined;
  } catch {
    return undefined;
  }
}

async function makeCertificate({ dataDir, domain, clock }: Options, authority: Authority): Promise<string> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${domain.slice(0, 64)}`,
    issuer: authority.certificate.subject,
    ...validity(clock, L.certificateDays),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: domain },
        { type: "dns", value: `*.${domain}` },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate),
    ],
  });
  const pem = [certificate.toString("pem"), authority.certificate.toString("pem"), await keyPem(keys.privateKey)].join("\n");
  await writeAtomic(join(dataDir, CERTIFICATE_FILE), `${pem}\n`, 0o600);
  return `${pem}\n`;
}

/** Makes what is missing or near its end. `id` changes with the certificate. */
export async function ensureCertificate(options: Options): Promise<{ readonly id: string; readonly authorityPem: string }> {
  const authority = (await loadAuthority(options)) ?? (await makeAuthority(options));
  const pem = (await loadCertificate(options, authority)) ?? (await makeCertificate(options, authority));
  return { id: createHash("sha256").update(pem).digest("hex").slice(0, 16), authorityPem: authority.certificate.toString("pem") };
}
