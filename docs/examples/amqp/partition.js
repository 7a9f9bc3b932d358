// The home partition of an order: murmur3 (x86, 32 bits, seed 104729) of the order id's UTF-8 bytes, modulo the number
// of partitions, as RabbitMQ's official stream clients have it. The algorithm: Austin Appleby, MurmurHash3, public domain.

const SEED = 104729;

export function partitionOf(orderId, partitions) {
  return murmur3(Buffer.from(orderId, "utf8")) % partitions;
}

export function murmur3(bytes) {
  let hash = SEED;
  const whole = bytes.length - (bytes.length % 4);
  for (let place = 0; place < whole; place += 4) {
    hash ^= scrambled(bytes.readUInt32LE(place));
    hash = (Math.imul(rotated(hash, 13), 5) + 0xe6546b64) | 0;
  }
  if (bytes.length > whole) {
    let rest = 0;
    for (let place = bytes.length - 1; place >= whole; place -= 1) rest = (rest << 8) | bytes[place];
    hash ^= scrambled(rest);
  }
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const rotated = (word, bits) => (word << bits) | (word >>> (32 - bits));
const scrambled = (word) => Math.imul(rotated(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
