"""One request to the server: connection, wire form, retries, what the answer means."""
