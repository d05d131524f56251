"""Model versions: manifests, digests, weights licences, import."""
