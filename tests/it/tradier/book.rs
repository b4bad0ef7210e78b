//! What the small Tradier keeps and answers: accounts, orders and positions.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Asked, Book, NUMBER, Server, market};

/// Two puts are short at the open.
pub fn opening() -> Book {
    let positions = [("SPY261218P00630000".to_owned(), (-2.0, -310.0))];
    Book { positions: positions.into(), ..Book::default() }
}

/// The answer of a day without faults.
pub fn usual(server: &Server, book: &mut Book, asked: &Asked) -> (u16, Value) {
    if let Some(told) = book.answers.get(&asked.what) {
        return (200, told.clone());
    }
    let (method, path) = asked.what.split_once(' ').expect("a method and a path");
    let orders = format!("/accounts/{NUMBER}/orders");
    let order = path.strip_prefix(&format!("{orders}/"));
    match (method, order) {
        ("GET", Some(id)) => match id.parse().ok().and_then(|id: u64| book.orders.get(&id)) {
            Some(order) => (200, json!({"order": order})),
            None => (404, json!({"errors": {"error": "order not found"}})),
        },
        ("PUT" | "DELETE", Some(id)) => change(book, method, id, &asked.form),
        ("POST", _) if path == orders => place(server, book, &asked.form),
        ("GET", _) if path == orders => {
            let page: usize = asked.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
            let all: Vec<Value> = book.orders.values().skip((page - 1) * 2).take(2).cloned().collect();
            (200, json!({"orders": listed("order", all)}))
        }
        ("POST", _) if path.ends_with("/events/session") => {
            (200, json!({"stream": {"url": "https://stream.example/v1", "sessionid": "a-session-of-today"}}))
        }
        ("POST", _) if path == "/markets/quotes" => quotes(server, &asked.form),
        ("GET", _) => read(book, path, &asked.query),
        _ => (404, json!({"fault": {"faultstring": "no such path"}})),
    }
}

/// The shapes of a list.
pub fn listed(name: &str, mut items: Vec<Value>) -> Value {
    match items.len() {
        0 => json!("null"),
        1 => json!({name: items.remove(0)}),
        _ => json!({name: items}),
    }
}

fn read(book: &Book, path: &str, query: &HashMap<String, String>) -> (u16, Value) {
    let asked = |name: &str| query.get(name).map_or("", String::as_str);
    let told = match path {
        "/user/profile" => json!({"profile": {"id": "id-x", "account": {"account_number": NUMBER,
            "classification": "individual", "status": "active", "type": "margin", "option_level": 6,
            "day_trader": false}}}),
        "/markets/clock" => json!({"clock": {"date": market::DAY, "state": "open", "timestamp": 1795186980,
            "next_change": "16:00", "next_state": "postmarket"}}),
        "/markets/calendar" => {
            let (year, month) = (asked("year").parse().unwrap_or(2026), asked("month").parse().unwrap_or(11));
            json!({"calendar": {"month": month, "year": year, "days": {"day": market::calendar(year, month)}}})
        }
        "/markets/history" => json!({"history": listed("day", market::history(asked("start")))}),
        "/markets/options/lookup" if asked("underlying") == "SPY" => {
            json!({"symbols": [{"rootSymbol": "SPY", "options": market::listed()}]})
        }
        "/markets/options/lookup" => json!({"symbols": null}),
        _ if path.ends_with("/balances") => {
            json!({"balances": {"account_number": NUMBER, "account_type": "margin",
            "total_cash": 6363.86, "total_equity": "17798.36", "current_requirement": 2557.0,
            "margin": {"option_buying_power": 6363.86, "stock_buying_power": 12727.72}}})
        }
        _ if path.ends_with("/positions") => {
            let held = book.positions.iter().filter(|(_, (units, _))| *units != 0.0);
            let row = |(symbol, (units, cost)): (&String, &(f64, f64))| {
                json!({"id": 130089, "symbol": symbol, "quantity": units, "cost_basis": cost,
                    "date_acquired": "2026-11-03T15:41:09.120Z"})
            };
            json!({"positions": listed("position", held.map(row).collect())})
        }
        _ => return (404, json!({"errors": {"error": ["no such path"]}})),
    };
    (200, told)
}

fn quotes(server: &Server, form: &HashMap<String, String>) -> (u16, Value) {
    let symbols = form.get("symbols").map_or("", String::as_str).split(',').filter(|s| *s != "UNKNOWN");
    let at = server.clock.now();
    (200, json!({"quotes": listed("quote", symbols.map(|symbol| market::row(symbol, at)).collect())}))
}

/// Taken at once; a tag that has other characters than it may have is refused.
fn place(server: &Server, book: &mut Book, form: &HashMap<String, String>) -> (u16, Value) {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let tag = field("tag");
    if tag.len() > 255 || !tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return (400, json!({"errors": {"error": "Invalid tag"}}));
    }
    let price: f64 = field("price").parse().unwrap_or(0.0);
    if form.contains_key("preview") {
        let sign = if field("type") == "credit" { -1.0 } else { 1.0 };
        return (
            200,
            json!({"order": {"status": "ok", "commission": 0.70, "cost": sign * price * 200.0 + 0.7,
            "fees": 0, "order_cost": sign * price * 200.0, "margin_change": 2000.0, "result": true,
            "class": field("class"), "strategy": "spread"}}),
        );
    }
    // Systems behind the API refuse with a 200.
    if price > 100.0 {
        return (
            200,
            json!({"errors": {"error": ["Backoffice rejected override of the order.", "PriceTooHigh"]}}),
        );
    }
    let id = 228_175 + u64::try_from(book.orders.len()).expect("few");
    let leg = |n: usize| {
        Some(json!({"id": id * 10 + n as u64, "class": "option", "symbol": field("symbol"), "option_symbol":
            form.get(&format!("option_symbol[{n}]"))?, "side": form.get(&format!("side[{n}]"))?, "quantity":
            form.get(&format!("quantity[{n}]"))?.parse::<f64>().ok()?, "exec_quantity": 0.0, "status": "open"}))
    };
    let legs: Vec<Value> = (0..4).map_while(leg).collect();
    let order = json!({"id": id, "class": field("class"), "symbol": field("symbol"), "type": field("type"),
        "side": field("side"), "option_symbol": form.get("option_symbol"), "quantity": field("quantity"),
        "status": "open", "duration": field("duration"), "price": price, "avg_fill_price": 0.0, "exec_quantity": 0.0,
        "create_date": "2026-11-20T15:13:36.076Z", "transaction_date": "2026-11-20T15:13:36.076Z", "tag": tag,
        "num_legs": legs.len(), "leg": if legs.is_empty() { Value::Null } else { json!(legs) }});
    book.orders.insert(id, order);
    if book.is_open {
        fill(server, book, id);
    }
    (200, json!({"order": {"id": id, "status": "ok", "partner_id": "c4998eb7-06e8-4820-a7ab-55d9760065fb"}}))
}

/// A change keeps number, legs and tag.
fn change(book: &mut Book, method: &str, id: &str, form: &HashMap<String, String>) -> (u16, Value) {
    let Some(order) = id.parse().ok().and_then(|id: u64| book.orders.get_mut(&id)) else {
        return (400, json!({"errors": {"error": "order not found"}}));
    };
    if order["status"] != "open" {
        return (200, json!({"errors": {"error": "order is not open"}}));
    }
    if method == "DELETE" {
        order["status"] = json!("canceled");
    } else {
        order["price"] = json!(form.get("price").and_then(|price| price.parse::<f64>().ok()));
        order["type"] = json!(form.get("type"));
        order["duration"] = json!(form.get("duration"));
    }
    (200, json!({"order": {"id": order["id"], "status": "ok"}}))
}

/// All of it, at its limit: what the mids leave over is the first leg's.
fn fill(server: &Server, book: &mut Book, id: u64) {
    let Some(order) = book.orders.get_mut(&id) else { return };
    let at = server.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let limit = order["price"].as_f64().unwrap_or(0.0);
    let wanted = match order["type"].as_str() {
        Some("credit") => limit,
        Some("debit") => -limit,
        _ => 0.0,
    };
    let sign = |leg: &Value| {
        if leg["side"].as_str().is_some_and(|side| side.starts_with("buy")) { -1.0 } else { 1.0 }
    };
    let mid = |leg: &Value| market::mid(leg["option_symbol"].as_str().unwrap_or_default());
    let legs = order["leg"].as_array().cloned().unwrap_or_default();
    let over = wanted - legs.iter().map(|leg| sign(leg) * mid(leg)).sum::<f64>();
    let mut filled = Vec::new();
    for (n, mut leg) in legs.into_iter().enumerate() {
        let share = if n == 0 { sign(&leg) * over } else { 0.0 };
        let price = market::cents(mid(&leg) + share);
        let (units, side) = (leg["quantity"].as_f64().unwrap_or(0.0), sign(&leg));
        for name in ["avg_fill_price", "last_fill_price"] {
            leg[name] = json!(price);
        }
        for name in ["exec_quantity", "last_fill_quantity"] {
            leg[name] = json!(units);
        }
        (leg["status"], leg["remaining_quantity"]) = (json!("filled"), json!(0.0));
        leg["transaction_date"] = json!(at);
        let symbol = leg["option_symbol"].as_str().unwrap_or_default().to_owned();
        let held = book.positions.entry(symbol).or_default();
        *held = (held.0 - side * units, held.1 - side * units * price * 100.0);
        filled.push(leg);
    }
    order["leg"] = json!(filled);
    (order["status"], order["transaction_date"]) = (json!("filled"), json!(at));
    order["create_date"] = json!(at);
    let told = json!({"id": id, "event": "order", "status": "filled", "account": NUMBER});
    // Nobody may listen: the look by number tells it, too.
    drop(server.account.send(told.to_string()));
}
