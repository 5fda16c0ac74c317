// A hospital system that sends with @medplum/hl7: send_medplum.mjs PORT TIMEOUT_MS ACK MODE
// Each line of standard input is a message in base64; MODE is `in-turn` or `at-once`. Each line of output is what the
// client returned for it, in the order of the input: MSA-1 and MSA-2 of the answer, or `timeout`.

import { Hl7Message } from '@medplum/core';
import { Hl7Client } from '@medplum/hl7';
import { createInterface } from 'node:readline';

const [port, timeoutMs, returnAck, mode] = process.argv.slice(2);
const client = new Hl7Client({ host: '127.0.0.1', port: Number(port) });
await client.connect();
const options = { timeoutMs: Number(timeoutMs), ...(returnAck === 'default' ? {} : { returnAck }) };

async function send(line) {
  try {
    const message = Hl7Message.parse(Buffer.from(line, 'base64').toString('utf8'));
    const answer = await client.sendAndWait(message, options);
    const msa = answer.getSegment('MSA');
    return `${msa.getField(1)?.toString()} ${msa.getField(2)?.toString()}`;
  } catch (error) {
    return 'timeout';
  }
}

const sent = [];
for await (const line of createInterface({ input: process.stdin })) {
  const answer = send(line);
  sent.push(mode === 'in-turn' ? await answer : answer);
}
for (const answer of await Promise.all(sent)) {
  console.log(answer);
}
process.exit(0);
