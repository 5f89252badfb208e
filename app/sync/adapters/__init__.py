"""The offline contract in the words of RxDB and WatermelonDB. Nothing is decided here: it is all pulled and pushed."""
