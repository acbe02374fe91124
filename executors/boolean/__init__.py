"""A local Boolean search engine: PubMed's grammar and that of ClinicalTrials.gov (Essie) over one index.

Text is read by a grammar (`pubmed`, `essie`) into one tree (`queries`); an index (`index`, tantivy underneath) turns
the leaves of the tree into sets of documents, and `evaluate` combines these. Nothing is approximate: a query's hits are
those that a look at every single document would give.
"""
