from datetime import UTC, datetime, timedelta

from usersync_ext.core.cadence import silence

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday


def visits(*hours):
    return [START + timedelta(hours=hour) for hour in hours]


def every(minutes, count):
    return [START + timedelta(minutes=minutes * number) for number in range(count)]


def after(times, hours):
    return silence(times, times[-1] + timedelta(hours=hours))


def test_a_provider_that_calls_every_40_minutes_is_silent_after_three_of_them():
    times = every(40, 10)

    assert after(times, 2) is None
    found = after(times, 2.1)
    assert found.usual == timedelta(minutes=40)
    assert found.since == timedelta(hours=2.1)


def test_many_requests_at_once_are_one_visit():
    times = sorted(
        time + timedelta(seconds=second) for time in every(40, 10) for second in range(20)
    )

    assert after(times, 3).usual == timedelta(minutes=40) - timedelta(seconds=19)


def test_less_than_an_hour_is_never_silence():
    assert after(every(5, 50), 1) is None
    assert after(every(5, 50), 1.1) is not None


def test_a_first_push_alone_says_nothing_about_later():
    assert after([START + timedelta(seconds=n) for n in range(500)], 100) is None


def test_a_few_visits_say_nothing():
    assert after(every(40, 5), 100) is None
    assert silence([], START) is None


def test_a_provider_that_calls_when_something_changes_may_rest_over_night():
    office = [day * 24 + hour for day in range(3) for hour in (0, 1, 2, 5, 8)]

    assert after(visits(*office), 64) is None


def test_once_a_week_is_known_its_longest_rest_is_the_measure():
    office = [day * 24 + hour for day in (0, 1, 2, 3, 4, 7, 8) for hour in (0, 1, 2, 5, 8)]
    times = visits(*office)

    assert after(times, 64) is None
    assert after(times, 95) is None
    assert after(times, 97).usual <= timedelta(hours=3)
