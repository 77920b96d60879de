# Cairn in a container. Built without BuildKit's extensions, so that any builder will do:
#   docker build --tag cairn .
#   docker run -p 127.0.0.1:4566:4566 -v cairn:/var/lib/cairn cairn
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /source
# Dependencies first: they change less often than the code.
COPY pyproject.toml ./
RUN python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > /requirements.txt \
 && python3 -m pip install --no-cache-dir --disable-pip-version-check --prefix /installed -r /requirements.txt
COPY README.md LICENSE ./
COPY journal journal
COPY projections projections
COPY app app
COPY tools tools
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --no-deps --prefix /installed .

FROM ${BASE_IMAGE}
COPY --from=build /installed /usr/local
# 1000 is who most volumes that are folders of a host belong to. To start functions' containers through a mounted Docker
# socket, run it as a user that may use the socket (docker-compose.yml).
RUN mkdir -p /var/lib/cairn && chown 1000:1000 /var/lib/cairn && chmod 700 /var/lib/cairn
USER 1000:1000
ENV CAIRN_DATA=/var/lib/cairn \
    CAIRN_LISTEN=0.0.0.0:4566 \
    HOME=/tmp \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/cairn
VOLUME /var/lib/cairn
EXPOSE 4566
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python3", "-I", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4566/_cairn/health', timeout=4)"]
ENTRYPOINT ["cairn"]
CMD ["start"]
