"""The documents as a site: what MkDocs does not do by itself, and the parts of pages that are made from the code."""
