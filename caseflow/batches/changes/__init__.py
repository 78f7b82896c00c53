"""Changes of a policy (修订、暂停、恢复、废止、替代) and the cases each of them touches."""
