"""Flask behind gunicorn: the request computes. One process a core, threads so that receiving and computing overlap."""

from flask import Flask, Response, jsonify, request

from picture_job import Classifier, Enlarger

app = Flask(__name__)
classifier = Classifier()
enlarger = Enlarger()


@app.get("/health")
def health():
    return "ok"


@app.post("/classification")
def classification():
    return jsonify(predictions=classifier.answer(request.get_data()))


@app.post("/super-resolution")
def super_resolution():
    enlarged, bicubic = enlarger.answer(request.get_data())
    return Response(enlarged + bicubic, headers={"x-first-bytes": str(len(enlarged))})
