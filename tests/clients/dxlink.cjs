// The official JavaScript client of DXLink against a simulated broker: everything but its address is as published.
//
// Reads the connection line of `cotrader sim --print-connection` on standard input and takes the packages from the
// folder named as its argument; ends with 1 when something does not come.

const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const from = createRequire(path.join(path.resolve(process.argv[2]), "package.json"));
const { DXLinkAuthState } = from("@dxfeed/dxlink-core");
const { DXLinkWebSocketClient } = from("@dxfeed/dxlink-websocket-client");
const { DXLinkFeed, FeedContract, FeedDataFormat } = from("@dxfeed/dxlink-feed");

const PATIENCE = 20_000;
const FIELDS = {
  Quote: ["eventType", "eventSymbol", "bidPrice", "askPrice", "bidSize", "askSize"],
  Greeks: ["eventType", "eventSymbol", "eventTime", "price", "volatility", "delta", "gamma", "theta", "rho", "vega"],
  Trade: ["eventType", "eventSymbol", "price", "dayVolume"],
  Candle: ["eventType", "eventSymbol", "eventFlags", "time", "open", "high", "low", "close"],
};

const within = (what, promise) =>
  Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`${what} did not come`)), PATIENCE)),
  ]);

async function json(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** A quote token, and twenty options of the sixth expiration with strikes around the money. */
async function prepared(connection) {
  const agent = { "User-Agent": "client-test/1.0" };
  const { access_token } = await json(`${connection.base_url}/oauth/token`, {
    method: "POST",
    headers: { ...agent, "Content-Type": "application/json" },
    body: JSON.stringify({
      grant_type: "refresh_token",
      refresh_token: connection.refresh_token,
      client_secret: connection.client_secret,
    }),
  });
  const headers = { ...agent, Authorization: `Bearer ${access_token}` };
  const token = (await json(`${connection.base_url}/api-quote-tokens`, { headers })).data;
  const chain = (await json(`${connection.base_url}/option-chains/SPY/nested`, { headers })).data.items[0];
  const strikes = chain.expirations[5].strikes;
  const middle = Math.floor(strikes.length / 2);
  const near = strikes.slice(middle - 5, middle + 5);
  return { token, options: near.flatMap((s) => [s["call-streamer-symbol"], s["put-streamer-symbol"]]) };
}

async function main(connection) {
  const { token, options } = await prepared(connection);
  const client = new DXLinkWebSocketClient();
  const failed = new Promise((_, reject) =>
    client.addErrorListener((error) => reject(new Error(`${error.type}: ${error.message}`))),
  );
  const authorised = new Promise((resolve) =>
    client.addAuthStateChangeListener((state) => state === DXLinkAuthState.AUTHORIZED && resolve()),
  );
  client.connect(token["dxlink-url"]);
  client.setAuthToken(token.token);
  await within("authorisation", Promise.race([authorised, failed]));

  const feed = new DXLinkFeed(client, FeedContract.AUTO);
  feed.configure({
    acceptAggregationPeriod: 0.1,
    acceptDataFormat: FeedDataFormat.COMPACT,
    acceptEventFields: FIELDS,
  });
  const wanted = new Set([...options.flatMap((s) => [`Quote ${s}`, `Greeks ${s}`]), "Trade SPY", "Candle SPY{=d}"]);
  const complete = new Promise((resolve, reject) =>
    feed.addEventListener((events) => {
      for (const event of events) {
        const missing = FIELDS[event.eventType].filter((field) => event[field] === undefined);
        if (missing.length > 0) reject(new Error(`${event.eventType} without ${missing}`));
        if (event.eventType === "Quote" && event.eventSymbol.startsWith(".") && !(event.askPrice > 0))
          reject(new Error(`no ask in ${JSON.stringify(event)}`));
        wanted.delete(`${event.eventType} ${event.eventSymbol}`);
      }
      if (wanted.size === 0) resolve();
    }),
  );
  feed.addSubscriptions(
    options.flatMap((symbol) => ["Quote", "Greeks"].map((type) => ({ type, symbol }))),
  );
  feed.addSubscriptions([{ type: "Trade", symbol: "SPY" }]);
  feed.addSubscriptions([{ type: "Candle", symbol: "SPY{=1d}", fromTime: Date.UTC(2026, 9, 1) }]);
  await within(`all events (${wanted.size} kinds at first)`, Promise.race([complete, failed])).catch((error) => {
    throw new Error(`${error.message}; still missing: ${[...wanted].slice(0, 5)}`);
  });
  if (feed.getConfig().dataFormat !== FeedDataFormat.COMPACT) throw new Error("the data is not COMPACT");
  feed.close();
  client.close();
  console.log("the client is content");
}

readline.createInterface({ input: process.stdin }).once("line", (line) =>
  main(JSON.parse(line)).then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  ),
);
