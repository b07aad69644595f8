import signal
import threading

import pytest

from reacgan_plugin.interrupt import BrokenOff, Interrupted, StopRequest, breakable


@pytest.fixture(autouse=True)
def handlers():
    """What the signals did before, which is restored whatever a test does."""
    before = {number: signal.getsignal(number) for number in StopRequest.SIGNALS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_only_sets_the_flag(number):
    with StopRequest() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        went_on = True
    assert went_on


def test_a_second_interrupt_stops_at_once():
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.requested


def test_a_second_termination_is_still_a_request():
    with StopRequest() as stop:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert stop.requested


def test_handlers_are_restored(handlers):
    with StopRequest():
        for number, handler in handlers.items():
            assert signal.getsignal(number) is not handler
    for number, handler in handlers.items():
        assert signal.getsignal(number) is handler


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt, SystemExit])
def test_handlers_are_restored_after_an_exception_which_passes(handlers, error):
    with pytest.raises(error), StopRequest():
        raise error
    for number, handler in handlers.items():
        assert signal.getsignal(number) is handler


def test_the_users_own_handler_comes_back():
    heard = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    with StopRequest():
        signal.raise_signal(signal.SIGTERM)
    assert heard == []
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]


def test_requests_of_two_runs_are_apart():
    with StopRequest() as first:
        signal.raise_signal(signal.SIGTERM)
    with StopRequest() as second:
        assert first.requested
        assert not second.requested


def test_outside_the_main_thread_signals_are_left_alone(handlers):
    seen = []

    def enter():
        with StopRequest() as stop:
            seen.append(stop.requested)
            seen.extend(signal.getsignal(number) for number in handlers)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False, *handlers.values()]


def test_an_interruption_tells_where_the_run_was_saved():
    error = Interrupted('work/iter_7.pth', 7)
    assert (error.checkpoint, error.iteration) == ('work/iter_7.pth', 7)
    assert str(error) == 'stopped after iteration 7'


def test_a_request_breaks_off_what_may_be_broken_off_and_nothing_else():
    with StopRequest() as stop:
        with pytest.raises(BrokenOff), breakable():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # outside it is a request again
        assert stop.requested
        with pytest.raises(BrokenOff), breakable():
            pytest.fail('began although the run is to stop')


def test_work_that_turns_errors_into_others_is_broken_off_all_the_same():
    with StopRequest(), pytest.raises(BrokenOff), breakable():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception as error:
            raise ValueError('cannot read the image') from error


def test_outside_a_run_work_is_not_broken_off():
    with breakable():
        went_on = True
    assert went_on
