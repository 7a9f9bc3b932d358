-- Whether, in the last seconds, events took effect more than $1 seconds after they were recorded.
SELECT EXISTS (SELECT FROM checkpoint
                WHERE committed_at > clock_timestamp() - interval '5 seconds'
                  AND committed_at - recorded_at > make_interval(secs => $1))
