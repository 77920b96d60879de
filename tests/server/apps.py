"""WSGI apps that the tests serve; imported by name in the server's own process."""


def hello():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]

    return app


def falcon_hello():
    import falcon

    def sink(req, resp):
        resp.text = "hello"

    app = falcon.App()
    app.add_sink(sink, "/")
    return app


def quick():
    """Answer in our own form, through Falcon."""
    import falcon

    from app.http import Response

    headers = [("Content-Type", "text/plain"), ("x-amzn-requestid", "9d2ddb17-4b2b-4bd1-a8f1-0a8e8b6e3f5c")]

    def sink(req, resp):
        req.env["cairn.response"] = Response(200, headers, b"hello")

    app = falcon.App()
    app.add_sink(sink, "/")
    return app
