"""Files that a person keeps by hand, contract terms and invoices: read, judged whole, landed."""
