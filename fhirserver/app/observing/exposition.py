"""Figures in the text format of Prometheus, or that of OpenMetrics where a client asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from fhirserver.kernel.measures import Described, Gathered

if TYPE_CHECKING:
    from prometheus_client import Metric


def exposed(figures: Sequence[Gathered], processes: Mapping[str, int], accept: str) -> tuple[bytes, str]:
    """The text and its content type. ``processes``: process ids by name, whose memory and time are told too.

    The library is imported here, when somebody asks for the first time: a server starts without it.
    """
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    class All:
        def collect(self) -> Iterable[Metric]:
            yield from (_metric(one) for one in figures if not one.described.name.startswith("_"))
            yield from _of_processes(processes)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(All())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _metric(figure: Gathered) -> Metric:
    from prometheus_client.metrics_core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    about = figure.described
    labels = [*about.labels, *(("process",) if about.joined == "each" else ())]
    if about.kind == "histogram":
        histogram = HistogramMetricFamily(about.name, about.text, labels=labels)
        for values, numbers in sorted(figure.series.items()):
            histogram.add_metric(values, _buckets(about, numbers), numbers[-1])
        return histogram
    family = CounterMetricFamily if about.kind == "counter" else GaugeMetricFamily
    metric = family(about.name, about.text, labels=labels)
    for values, numbers in sorted(figure.series.items()):
        metric.add_metric(values, numbers[0])
    return metric


def _buckets(about: Described, numbers: Sequence[float]) -> list[tuple[str, float]]:
    """The counts of a histogram as Prometheus has them: of all up to a bound."""
    names = [*(repr(bound) for bound in about.bounds), "+Inf"]
    return list(zip(names, accumulate(numbers[:-1]), strict=True))


def _of_processes(processes: Mapping[str, int]) -> Iterable[Metric]:
    """Memory, processor time and descriptors of each process, from ``/proc`` where there is one."""
    from prometheus_client import Metric
    from prometheus_client.process_collector import ProcessCollector

    found: dict[str, Metric] = {}
    for name, pid in processes.items():
        collector = ProcessCollector(pid=lambda pid=pid: pid, registry=None)  # type: ignore[misc]
        for metric in collector.collect():
            into = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                into.add_sample(sample.name, {**sample.labels, "process": name}, sample.value)
    return found.values()
