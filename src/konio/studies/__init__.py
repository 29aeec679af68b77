"""The experiments of the papers, each one resumable command that ends with a page of tables and figures."""
