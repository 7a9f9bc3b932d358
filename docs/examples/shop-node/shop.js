// A shop: it places and submits orders, and says so in its outbox, in the same transaction.
//
//     DATABASE_URL=postgresql://shop@localhost/shop PORT=8001 node shop.js

import http from "node:http";
import { once } from "node:events";
import pg from "pg";

const PLACE = `
  INSERT INTO orders (idempotency_key, customer_id) VALUES ($1, $2)
  ON CONFLICT (idempotency_key) DO NOTHING RETURNING id`;
const PLACED = "SELECT id, customer_id FROM orders WHERE idempotency_key = $1";
const SUBMIT =
  "UPDATE orders SET items = $2, submitted_at = now() WHERE id = $1 AND submitted_at IS NULL RETURNING id";
const KNOWN = "SELECT 1 FROM orders WHERE id = $1";
const PUBLISH = "SELECT warren_outbox.publish($1, $2, $3, traceparent => $4)";

const TRACE = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const MAX_BODY = 1_000_000;

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
pool.on("error", (error) => console.error(`an idle connection was lost: ${error.message}`));

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// What `work` does happens as a whole, and is committed before the answer is given, or not at all.
async function transaction(work) {
  const client = await pool.connect();
  let broken;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((second) => { broken = second; });
    throw error;
  } finally {
    client.release(broken);
  }
}

function publish(client, orderId, type, data, request) {
  const trace = request.headers.traceparent ?? "";
  return client.query(PUBLISH, [orderId, type, JSON.stringify(data), TRACE.test(trace) ? trace : null]);
}

// Place an order. Who did not hear the answer asks again with the same key, and gets the same order.
async function place(request, { customer_id }) {
  const key = request.headers["idempotency-key"];
  if (!key || key.length > 200) throw new Refused(422, "the Idempotency-Key header is missing, or too long");
  if (!isName(customer_id)) throw new Refused(422, "customer_id: 1 to 256 characters, none of them control characters");
  return transaction(async (client) => {
    const made = await client.query(PLACE, [key, customer_id]);
    if (made.rowCount === 1) {
      const { id } = made.rows[0];
      await publish(client, id, "order.initiated.v1", { customer_id }, request);
      return { status: 201, body: { id } };
    }
    const placed = (await client.query(PLACED, [key])).rows[0];
    if (placed.customer_id !== customer_id) throw new Refused(422, "this idempotency key was used for another order");
    return { status: 200, body: { id: placed.id } };
  });
}

// Submit an order, once: further calls change nothing.
async function submit(request, { items }, id) {
  if (!Array.isArray(items) || items.length < 1 || items.length > 1000 || !items.every(isItem)) {
    throw new Refused(422, "items: 1 to 1000 of {item_id, quantity}");
  }
  return transaction(async (client) => {
    const made = await client.query(SUBMIT, [id, JSON.stringify(items)]);
    if (made.rowCount === 1) await publish(client, id, "order.submitted.v1", { items }, request);
    else if ((await client.query(KNOWN, [id])).rowCount === 0) throw new Refused(404, "there is no such order");
    return { status: 200, body: { id } };
  });
}

const isName = (value) => typeof value === "string" && /^[^\x00-\x1f\x7f]{1,256}$/.test(value);
const isItem = (item) =>
  isName(item?.item_id) && Number.isInteger(item.quantity) && item.quantity >= 1 && item.quantity <= 1_000_000;

async function json(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY) throw new Refused(413, "the body is too large");
    parts.push(part);
  }
  try {
    return Object(JSON.parse(Buffer.concat(parts).toString()));
  } catch {
    throw new Refused(422, "the body is not JSON");
  }
}

async function answer(request) {
  const [, orders, id, action, more] = new URL(request.url, "http://shop").pathname.split("/");
  if (request.method === "POST" && orders === "orders" && more === undefined) {
    if (id === undefined) return place(request, await json(request));
    if (action === "submission") return submit(request, await json(request), decodeURIComponent(id));
  }
  throw new Refused(404, "there is no such page");
}

const server = http.createServer(async (request, response) => {
  let result;
  try {
    result = await answer(request);
  } catch (error) {
    if (!(error instanceof Refused)) console.error(error);
    result = { status: error.status ?? 500, body: { detail: error.status ? error.message : "see the log" } };
  }
  response.writeHead(result.status, { "content-type": "application/json" });
  response.end(JSON.stringify(result.body));
});

server.listen(Number(process.env.PORT ?? 8001), "127.0.0.1");
await once(server, "listening");
console.log(`listening on http://127.0.0.1:${server.address().port}`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => server.close(() => pool.end()));
}
