"""Pure decisions: no Flask, no SQL, no HTTP; only the standard library and RE2."""
