"""The ledger of the pools of 拨投股 (资金池): entries, and the balances that they move."""
