"""The plan of a batch (拟支持方案): which of its cases get what, decided by three people."""
