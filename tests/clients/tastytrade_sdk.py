"""The Python SDK `tastytrade` against a simulated broker: everything but its addresses is as published.

Reads the connection line of `cotrader sim --print-connection` on standard input; ends with 1 when a call fails.
"""

import asyncio
import datetime as dt
import json
import sys
from decimal import Decimal

import tastytrade.session
import tastytrade.streamer
from tastytrade import Account, AlertStreamer, DXLinkStreamer, Session
from tastytrade.dxfeed import Candle, Greeks, Quote, Trade
from tastytrade.instruments import Equity, NestedOptionChain, Option, get_option_chain
from tastytrade.market_data import get_market_data_by_type
from tastytrade.metrics import get_dividends, get_earnings, get_market_metrics
from tastytrade.order import (
    LimitOrder,
    OrderAction,
    OrderStatus,
    OrderTimeInForce,
    OTOCOOrder,
    PlacedOrder,
    StopOrder,
)

CONDOR = [
    ("SPY   261218P00620000", OrderAction.BUY_TO_OPEN),
    ("SPY   261218P00625000", OrderAction.SELL_TO_OPEN),
    ("SPY   261218C00710000", OrderAction.SELL_TO_OPEN),
    ("SPY   261218C00715000", OrderAction.BUY_TO_OPEN),
]


def limit(legs, price, tif=OrderTimeInForce.DAY):
    return LimitOrder(time_in_force=tif, legs=legs, price=Decimal(price))


async def until(alerts, order_id, status):
    """Waits for one order's status on the alert stream."""

    async def wait():
        async for order in alerts.listen(PlacedOrder):
            if order.id == order_id and order.status == status:
                return order

    return await asyncio.wait_for(wait(), 20)


async def reads(session, account):
    assert (await account.get_trading_status(session)).is_closed is False
    assert (await account.get_balances(session)).net_liquidating_value > 0
    assert await account.get_balance_snapshots(session)
    assert await account.get_positions(session, include_marks=True)
    history = await account.get_history(session)
    assert (await account.get_transaction(session, history[0].id)).id == history[0].id
    await account.get_total_fees(session)
    assert await account.get_net_liquidating_value_history(session, time_back="1m")
    assert (await account.get_margin_requirements(session)).groups
    assert await get_option_chain(session, "SPY")
    assert await NestedOptionChain.get(session, "SPY")
    assert len(await get_market_metrics(session, ["SPY", "NVDA"])) == 2
    assert await get_dividends(session, "SPY")
    assert await get_earnings(session, "NVDA", dt.date(2025, 1, 1))
    assert await Equity.get_active_equities(session)
    assert await get_market_data_by_type(session, equities=["SPY"], options=[CONDOR[0][0]], indices=["VIX"])


async def orders(session, account):
    legs = [(await Option.get(session, symbol)).build_leg(1, action) for symbol, action in CONDOR]
    tried = await account.place_order(session, limit(legs, "3.00"), dry_run=True)
    assert tried.buying_power_effect.is_spread and tried.fee_calculation.total_fees < 0
    async with AlertStreamer(session) as alerts:
        await alerts.subscribe_accounts([account])
        placed = (await account.place_order(session, limit(legs, "3.00"), dry_run=False)).order
        await until(alerts, placed.id, OrderStatus.LIVE)
        assert placed.id in [order.id for order in await account.get_live_orders(session)]
        replaced = await account.replace_order(session, placed.id, limit(legs, "2.50"))
        await until(alerts, replaced.id, OrderStatus.LIVE)
        await account.delete_order(session, replaced.id)
        await until(alerts, replaced.id, OrderStatus.CANCELLED)
        sold = (await account.place_order(session, limit(legs, "0.20"), dry_run=False)).order
        await until(alerts, sold.id, OrderStatus.FILLED)
        found = await account.get_order_history(session, start_date=dt.date(2026, 11, 20))
        assert {placed.id, replaced.id, sold.id} <= {order.id for order in found}
        share = await Equity.get(session, "XLF")
        bracket = OTOCOOrder(
            trigger_order=limit([share.build_leg(10, OrderAction.BUY_TO_OPEN)], "-1.00"),
            take_profit=limit([share.build_leg(10, OrderAction.SELL_TO_CLOSE)], "99", OrderTimeInForce.GTC),
            stop_loss=StopOrder(
                time_in_force=OrderTimeInForce.GTC,
                legs=[share.build_leg(10, OrderAction.SELL_TO_CLOSE)],
                stop_trigger=Decimal("20"),
            ),
        )
        whole = (await account.place_complex_order(session, bracket, dry_run=False)).complex_order
        assert whole.id in [order.id for order in await account.get_live_complex_orders(session)]
        await account.delete_complex_order(session, whole.id)
        await until(alerts, whole.trigger_order.id, OrderStatus.CANCELLED)


async def streams(session):
    chain = await get_option_chain(session, "SPY")
    expiry = sorted(chain)[5]
    symbols = [o.streamer_symbol for o in chain[expiry] if 660 < o.strike_price < 700][:20]
    async with DXLinkStreamer(session) as stream:
        await stream.subscribe(Quote, symbols)
        await stream.subscribe(Greeks, symbols)
        await stream.subscribe(Trade, ["SPY"])
        await stream.subscribe_candle(["SPY"], "1d", start_time=dt.datetime(2026, 10, 1))
        for kind in (Quote, Greeks, Trade, Candle):
            await asyncio.wait_for(stream.get_event(kind), 20)


async def main(connection):
    tastytrade.session.API_URL = connection["base_url"]
    tastytrade.streamer.STREAMER_URL = connection["account_stream_url"]
    async with Session(connection["client_secret"], connection["refresh_token"]) as session:
        account = (await Account.get(session))[0]
        await reads(session, account)
        await orders(session, account)
        await streams(session)
    print("the SDK is content")


asyncio.run(main(json.loads(sys.stdin.readline())))
