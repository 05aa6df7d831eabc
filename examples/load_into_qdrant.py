#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Loads what frames mean into a Qdrant database, and asks for what is most like one of them.

    lnr export videos/*.lnr vectors.jsonl --for qdrant
    load_into_qdrant.py vectors.jsonl [--url http://localhost:6333] [--collection lnr] [--like ID]

Without --url the database lives in this process. Needs the Python package qdrant-client.
"""

import argparse
import json

# Points per request: some megabytes of vectors.
BATCH = 256


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors")
    parser.add_argument("--url")
    parser.add_argument("--collection", default="lnr")
    parser.add_argument("--like", type=int, default=0, help="id of the vector to ask for")
    args = parser.parse_args()
    try:
        from qdrant_client import QdrantClient
        from qdrant_client.models import Distance, PointStruct, VectorParams
    except ImportError:
        raise SystemExit("the Python package qdrant-client is missing: pip install qdrant-client")
    with open(args.vectors, encoding="utf-8") as file:
        points = [PointStruct(**json.loads(line)) for line in file]
    if not points:
        raise SystemExit(f"{args.vectors}: no vectors in it")
    client = QdrantClient(url=args.url) if args.url else QdrantClient(":memory:")
    size = len(points[0].vector)
    if client.collection_exists(args.collection):
        client.delete_collection(args.collection)
    parameters = VectorParams(size=size, distance=Distance.COSINE)
    client.create_collection(args.collection, vectors_config=parameters)
    for first in range(0, len(points), BATCH):
        client.upsert(args.collection, points[first : first + BATCH])
    print(f"{len(points)} vectors of {size} dimensions in {args.collection}")
    query = next((p.vector for p in points if p.id == args.like), None)
    if query is None:
        raise SystemExit(f"no vector has the id {args.like}")
    for hit in client.query_points(args.collection, query=query, limit=5).points:
        place = hit.payload
        print(f"{hit.score:.4f}  {place['file']}  {place['start']:.2f} to {place['end']:.2f} s")


if __name__ == "__main__":
    main()
