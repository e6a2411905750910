# The server. Build: docker build -t credence .
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/credence && /opt/credence/bin/pip install --no-cache-dir .

FROM python:3.11-slim
COPY --from=build /opt/credence /opt/credence
RUN useradd --system --uid 10001 --home-dir /var/lib/credence --create-home credence
USER credence
WORKDIR /var/lib/credence
ENV PATH=/opt/credence/bin:$PATH CREDENCE_CONFIG=/etc/credence/credence.toml
VOLUME /var/lib/credence
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import ssl, sys, urllib.request as r\nfor scheme in ('http', 'https'):\n  try:\n    r.urlopen(scheme + '://127.0.0.1:8080/readyz', timeout=2, context=ssl._create_unverified_context()) and sys.exit(0)\n  except OSError:\n    pass\nsys.exit(1)"]
CMD ["credence", "serve", "--host", "0.0.0.0", "--port", "8080", "--data", "/var/lib/credence"]
